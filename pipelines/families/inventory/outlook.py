"""From a daily forecast to what the stock policy asks: the demand of each item's own stretches of time."""

import numpy as np

from models.demand.forecast import DemandForecast
from models.inventory.lead_time_demand import cycle_demand, total_demand
from models.inventory.policy import DemandOutlook, days_of_lead, days_protected, days_until_delivery
from models.inventory.terms import ItemTerms

MEDIAN_LEVEL = 0.5


def demand_outlook(forecast: DemandForecast, terms: ItemTerms) -> DemandOutlook:
    """The outlook of the forecast's items; stretches beyond its horizon go on as the horizon does on average."""
    days = range(1, forecast.horizon + 1)
    return DemandOutlook(
        cycle=cycle_demand(forecast, days_of_lead(terms), days_protected(terms)),
        until_delivery=total_demand(forecast, days_until_delivery(terms)),
        median_totals=np.hstack([forecast.total(count, (MEDIAN_LEVEL,)) for count in days]),
        mean_totals=np.cumsum(forecast.mean, axis=1, dtype=np.float64),
    )
