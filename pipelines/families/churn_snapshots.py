"""Dated snapshots of the customers: what was known of each at an instant, and whether an order followed.

The features of a snapshot look at nothing at or after it; its outcome looks at nothing before it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import ibis
import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.churn import ChurnParameters
from models.churn_features import FEATURES
from pipelines.features.customer import customer_features, customer_input
from pipelines.features.orders import GAP_DAYS, ORDERED_AT, order_gaps, orders

ELIGIBLE_HORIZONS: Final = 2  # who has been silent for longer has lapsed, and is neither trained on nor scored
HISTORY_HORIZONS: Final = 5  # training, calibration and test need a horizon each, and features some past
MIN_HORIZON_DAYS: Final = 7
MAX_HORIZON_DAYS: Final = 365
DAY: Final = timedelta(days=1)
RECENCY: Final = list(FEATURES).index("recency_days")


@dataclass(frozen=True)
class Snapshot:
    """The customers of one instant, sorted by id."""

    at: datetime
    customer_ids: pa.Array  # (customers,)
    features: np.ndarray  # (customers, len(FEATURES)); NaN where missing
    outcome: np.ndarray | None = None  # (customers,); 1: no order within the horizon; None: not known yet

    @property
    def recency_days(self) -> np.ndarray:
        recency: np.ndarray = self.features[:, RECENCY]
        return recency

    def taken(self, chosen: np.ndarray) -> "Snapshot":
        """The customers where `chosen` (customers,) is true."""
        outcome = None if self.outcome is None else self.outcome[chosen]
        return Snapshot(self.at, self.customer_ids.filter(pa.array(chosen)), self.features[chosen], outcome)


@dataclass(frozen=True)
class PurchaseRhythm:
    """How often the store's customers come, and the horizon that follows from it."""

    first_order_at: datetime
    usual_gap_days: float  # median over the gaps between a customer's orders
    horizon_days: int


class CustomerHistory:
    """The part of the events that matters here, fetched once, and snapshots of it."""

    def __init__(self, events: ibis.Table, as_of: datetime) -> None:
        self.as_of = as_of
        self._events = customer_input(events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of))).cache()

    def rhythm(self, parameters: ChurnParameters) -> PurchaseRhythm:
        """The horizon: a high quantile of the gaps between orders, as the history allows; raises NotEnoughData."""
        placed = orders(self._events, self.as_of)
        gaps = order_gaps(placed)[GAP_DAYS]
        summary = placed.agg(first=placed[ORDERED_AT].min(), customers=placed[c.CUSTOMER_ID].nunique())
        first, customers = summary.to_pyarrow().to_pylist()[0].values()
        if customers < parameters.min_customers:
            raise NotEnoughData(
                f"churn needs at least {parameters.min_customers} known customers with an order; there are {customers}."
            )
        quantiles = gaps.as_table().agg(usual=gaps.median(), long=gaps.quantile(parameters.horizon_quantile))
        usual, long = quantiles.to_pyarrow().to_pylist()[0].values()
        return _rhythm(first, self.as_of, usual, long, parameters)

    def snapshot(self, at: datetime, horizon_days: int | None = None) -> Snapshot:
        """Everybody with an order before `at`; with `horizon_days`, those who have not lapsed, and what they did."""
        table = customer_features(self._events, at).select(c.CUSTOMER_ID, *FEATURES)
        if horizon_days is None:
            return _snapshot(table.order_by(c.CUSTOMER_ID).to_pyarrow(), at)
        came = self._customers_with_order(at, at + horizon_days * DAY)
        eligible = table.filter(table.recency_days < ELIGIBLE_HORIZONS * horizon_days)
        labelled = eligible.left_join(came, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
        return _snapshot(labelled.order_by(c.CUSTOMER_ID).to_pyarrow(), at)

    def _customers_with_order(self, start: datetime, end: datetime) -> ibis.Table:
        """Who placed an order in [start, end) that still stood at the end."""
        later = self._events.filter(self._events[c.OCCURRED_AT] >= ibis.literal(start))
        return orders(later, end).select(c.CUSTOMER_ID).distinct().mutate(came=ibis.literal(True))


def _snapshot(table: pa.Table, at: datetime) -> Snapshot:
    columns = [table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in FEATURES]
    features = np.column_stack(columns) if table.num_rows else np.empty((0, len(FEATURES)))
    outcome = None
    if "came" in table.column_names:
        outcome = table["came"].is_null().to_numpy().astype(np.int8)
    return Snapshot(at, table[c.CUSTOMER_ID].combine_chunks(), features, outcome)


def _rhythm(
    first: datetime, as_of: datetime, usual: float | None, long: float | None, parameters: ChurnParameters
) -> PurchaseRhythm:
    history_days = (as_of - first) / DAY
    if usual is None or long is None:
        raise NotEnoughData("churn needs customers who ordered on more than one day; there is none.")
    longest = min(int(history_days / HISTORY_HORIZONS), MAX_HORIZON_DAYS)
    horizon_days = parameters.horizon_days or int(
        np.clip(round(long), MIN_HORIZON_DAYS, max(longest, MIN_HORIZON_DAYS))
    )
    if horizon_days > longest and horizon_days * HISTORY_HORIZONS > history_days:
        raise NotEnoughData(
            f"churn with a horizon of {horizon_days} days needs {horizon_days * HISTORY_HORIZONS} days of orders; "
            f"there are {history_days:.0f}. Wait, or set families.churn.horizon_days to {max(longest, 1)} or less."
        )
    return PurchaseRhythm(first, float(usual), horizon_days)
