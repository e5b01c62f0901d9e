"""The parameters of a store's demand forecasts: frequency, horizon, series, covariates and training."""

from dataclasses import dataclass
from typing import Final

from contracts.errors import InputError
from models.demand.boosting import BoostingParameters
from models.demand.frequency import Frequency, parse_frequency
from models.demand.model import DemandParameters
from pipelines.features.public_holidays import country_code

HORIZONS: Final = {"day": 28, "week": 8, "month": 3}
HISTORY_DAYS: Final = {"day": 800, "week": 1_140, "month": 1_860}

_LOWEST: Final = {
    "horizon": 1,
    "active_days": 1,
    "history": 1,
    "false_alarms_per_item_year": 0,
    "min_items": 1,
    "max_training_rows": 1,
    "rounds": 1,
}


@dataclass(frozen=True)
class StoreDemandParameters:
    """How a store's events become demand, and how far it is forecast.

    Raises ValueError for an invalid value.
    """

    frequency: str = "day"  # day, week or month
    horizon: int | None = None  # periods; None: 28 days, 8 weeks or 3 months
    by_channel: bool = False  # forecast each item in each channel, and items as their sum
    calendar: str | None = None  # CSV file of planned promotions, stock-outs and other covariates
    country: str | None = None  # of the public holidays; None: where most orders come from
    active_days: int = 365  # an item is forecast where it sold within so many days
    history: int | None = None  # days of past that are used; None: 800, for weeks and months more
    false_alarms_per_item_year: float = 0.02  # of stock-outs that are inferred from improbable zeros
    min_items: int = 5  # items that sold; with fewer the family is skipped
    max_training_rows: int = BoostingParameters.max_rows  # rows; beyond them a sample is trained on
    rounds: int = BoostingParameters.rounds  # of boosting, at most

    def __post_init__(self) -> None:
        parse_frequency(self.frequency)
        if self.country is not None and country_code(self.country) is None:
            raise InputError(
                f"country is {self.country!r}; give the code of a country, such as DE, or leave it out to take the one "
                "most orders come from."
            )
        for name, low in _LOWEST.items():
            value = getattr(self, name)
            if value is not None and value < low:
                raise InputError(f"{name} is {value}; at least {low} is needed.")

    def of_model(self) -> DemandParameters:
        """The parameters of the model itself."""
        return DemandParameters(self.horizon_periods, BoostingParameters(self.max_training_rows, self.rounds))

    @property
    def counted(self) -> Frequency:
        return parse_frequency(self.frequency)

    @property
    def horizon_periods(self) -> int:
        return self.horizon or HORIZONS[self.counted.name]

    @property
    def history_days(self) -> int:
        return self.history or HISTORY_DAYS[self.counted.name]
