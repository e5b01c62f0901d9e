"""How often a store's customers order, and the horizon that follows from it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

import numpy as np

from contracts.errors import InputError, NotEnoughData

LAPSE_HORIZONS: Final = 2  # a customer who has been silent for longer has lapsed
HISTORY_HORIZONS: Final = 5  # training, calibration and test need a horizon each, and features some past
MIN_HORIZON_DAYS: Final = 7
MAX_HORIZON_DAYS: Final = 365


@dataclass(frozen=True)
class CadenceParameters:
    """The parameters of the purchase cadence, shared by every family that uses it."""

    horizon_days: int | None = None  # None: from the store's own gaps between orders
    horizon_quantile: float = 0.85  # of the gaps between a customer's orders
    min_customers: int = 50  # at each point in time

    def __post_init__(self) -> None:
        if self.horizon_days is not None and not 1 <= self.horizon_days <= 730:
            raise InputError(f"horizon_days is {self.horizon_days}; allowed are 1 to 730.")
        if not 0 < self.horizon_quantile < 1:
            raise InputError(f"horizon_quantile is {self.horizon_quantile}; it must lie between 0 and 1.")


@dataclass(frozen=True)
class PurchaseCadence:
    """The usual time between two orders of a customer, and the horizon over which retention is predicted."""

    first_order_at: datetime
    median_gap_days: float  # over the gaps between a customer's orders
    horizon_days: int

    @property
    def lapse_days(self) -> int:
        """A customer without an order for so many days has lapsed."""
        return LAPSE_HORIZONS * self.horizon_days

    @classmethod
    def fit(
        cls,
        gaps_days: np.ndarray,
        first_order_at: datetime,
        as_of: datetime,
        parameters: CadenceParameters,
        family: str,
    ) -> Self:
        """The cadence of a store with these gaps between orders, (gaps,).

        The horizon is the one of the parameters, or else a high quantile of the gaps, within what the history can
        evaluate. Raises NotEnoughData, which names `family`, where there are no gaps or the history is too short.
        """
        if not len(gaps_days):
            raise NotEnoughData(f"the {family} family needs customers who ordered on more than one day; there is none.")
        median, long = float(np.median(gaps_days)), float(np.quantile(gaps_days, parameters.horizon_quantile))
        history_days = (as_of - first_order_at) / timedelta(days=1)
        return cls(first_order_at, median, _horizon_days(long, history_days, parameters, family))


def gaps_between_orders(customer: np.ndarray, day: np.ndarray) -> np.ndarray:
    """The days between a customer's orders, (gaps,), of order days (order days,) sorted by customer and day."""
    return np.diff(day)[np.diff(customer) == 0]


def _horizon_days(long_gap: float, history_days: float, parameters: CadenceParameters, family: str) -> int:
    longest = min(int(history_days / HISTORY_HORIZONS), MAX_HORIZON_DAYS)
    default = int(np.clip(round(long_gap), MIN_HORIZON_DAYS, max(longest, MIN_HORIZON_DAYS)))
    horizon_days = parameters.horizon_days or default
    if horizon_days > longest and horizon_days * HISTORY_HORIZONS > history_days:
        raise NotEnoughData(
            f"the {family} family with a horizon of {horizon_days} days needs {horizon_days * HISTORY_HORIZONS} days "
            f"of orders; there are {history_days:.0f}. Wait, or set families.{family}.horizon_days to "
            f"{max(longest, 1)} or less."
        )
    return horizon_days
