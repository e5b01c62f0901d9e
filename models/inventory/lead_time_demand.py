"""Demand until a delivery arrives and until the next one does, from a demand forecast."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.model import DemandModel
from models.demand.panel import Panel
from models.inventory.demand_distribution import DemandDistribution, DemandForecaster, TotalDemand
from models.inventory.safety_stock import NormalDemand
from models.inventory.service_level import CycleDemand
from models.inventory.terms import ItemTerms

MEDIAN_LEVEL: Final = 0.5


@dataclass(frozen=True)
class ItemDemand:
    """Demand of the items from today on.

    `cycle` is the demand during the lead time and during lead time + review period, from the forecast or as normal
    demand. `until_delivery` is the demand until the next delivery. `median_totals` and `mean_totals` (items, days) are
    of the first day, the first two, ... all of them.
    """

    cycle: CycleDemand | NormalDemand
    until_delivery: TotalDemand
    median_totals: np.ndarray
    mean_totals: np.ndarray

    @property
    def daily_mean(self) -> np.ndarray:
        """Mean units per day over the horizon, (items,)."""
        return np.asarray(self.mean_totals[:, -1] / self.mean_totals.shape[1])


def item_demand(forecast: DemandForecast, terms: ItemTerms) -> ItemDemand:
    """The forecast's demand over the periods that each item's terms ask for.

    Beyond its horizon the forecast continues with the horizon's mean.
    """
    days = range(1, forecast.horizon + 1)
    return ItemDemand(
        cycle=cycle_demand(forecast, terms.lead_days, terms.protected_days),
        until_delivery=total_demand(forecast, terms.days_until_delivery),
        median_totals=np.hstack([forecast.total(count, (MEDIAN_LEVEL,)) for count in days]),
        mean_totals=np.cumsum(forecast.mean, axis=1, dtype=np.float64),
    )


def model_forecaster(model: DemandModel, lead_time: int, protected: int) -> DemandForecaster:
    """The model's forecast of the next `lead_time` and `protected` periods at any review.

    It looks as far ahead as it was trained for, or as covariates are known.
    """

    def forecast(past: Panel) -> DemandDistribution:
        horizon = model.parameters.horizon
        known = max(min(horizon, horizon if past.ahead is None else past.ahead), protected)
        reaching = replace(model, parameters=replace(model.parameters, horizon=known))
        return cycle_demand(reaching.predict(past), lead_time, protected)

    return forecast


def cycle_demand(forecast: DemandForecast, lead: np.ndarray | int, protected: np.ndarray | int) -> CycleDemand:
    """The demand of the first `lead` periods, 0 or more, and of the first `protected`; one number or (items,) each."""
    return CycleDemand(total_demand(forecast, lead), total_demand(forecast, protected))


def total_demand(forecast: DemandForecast, periods: np.ndarray | int) -> TotalDemand:
    """The demand of the first `periods`, 0 or more, one number or (items,)."""
    count = np.broadcast_to(np.asarray(periods), forecast.mean.shape[:1])
    units = forecast.total(np.maximum(count, 1), QUANTILE_LEVELS).astype(np.float64)
    return TotalDemand(np.array(QUANTILE_LEVELS), np.where(count[:, None] > 0, units, 0))
