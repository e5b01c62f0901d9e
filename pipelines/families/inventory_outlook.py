"""From a daily forecast to what the stock policy asks: the demand of each item's own stretches of time."""

import numpy as np

from models.demand_forecast import LEVELS, DemandForecast
from models.inventory import DemandOutlook, days_protected, days_until_delivery
from models.inventory_demand import TotalDemand
from models.inventory_terms import ItemTerms

MEDIAN_LEVEL = 0.5


def demand_outlook(forecast: DemandForecast, terms: ItemTerms) -> DemandOutlook:
    """The outlook of the forecast's items; stretches beyond its horizon go on as the horizon does on average."""
    days = range(1, forecast.horizon + 1)
    return DemandOutlook(
        protected=_total(forecast, days_protected(terms)),
        until_delivery=_total(forecast, days_until_delivery(terms)),
        median_totals=np.hstack([forecast.total(count, (MEDIAN_LEVEL,)) for count in days]),
        mean_totals=np.cumsum(forecast.mean, axis=1, dtype=np.float64),
    )


def _total(forecast: DemandForecast, days: np.ndarray) -> TotalDemand:
    return TotalDemand(np.array(LEVELS), forecast.total(days, LEVELS).astype(np.float64))
