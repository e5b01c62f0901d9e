"""What a demand forecast believes of the stretches that a stock policy asks about."""

from dataclasses import replace

import numpy as np

from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.model import DemandModel
from models.demand.panel import Panel
from models.inventory.demand_distribution import TotalDemand
from models.inventory.evaluation import Belief, StretchDemand
from models.inventory.service_level import CycleDemand
from models.inventory.simulation import ReplayTerms


def forecast_belief(model: DemandModel, terms: ReplayTerms) -> Belief:
    """The model's belief at each review; it looks as far ahead as it learnt to, or as covariates are known."""

    def belief(past: Panel) -> StretchDemand:
        horizon = model.parameters.horizon
        known = max(min(horizon, horizon if past.ahead is None else past.ahead), terms.protected)
        reaching = replace(model, parameters=replace(model.parameters, horizon=known))
        return cycle_demand(reaching.predict(past), terms.lead_time, terms.protected)

    return belief


def cycle_demand(forecast: DemandForecast, lead: np.ndarray | int, protected: np.ndarray | int) -> CycleDemand:
    """The demand of the first `lead` periods, 0 or more, and of the first `protected`; one number or (items,) each."""
    return CycleDemand(total_demand(forecast, lead), total_demand(forecast, protected))


def total_demand(forecast: DemandForecast, periods: np.ndarray | int) -> TotalDemand:
    """The demand of the first `periods`, 0 or more, one number or (items,)."""
    count = np.broadcast_to(np.asarray(periods), forecast.mean.shape[:1])
    units = forecast.total(np.maximum(count, 1), QUANTILE_LEVELS).astype(np.float64)
    return TotalDemand(np.array(QUANTILE_LEVELS), np.where(count[:, None] > 0, units, 0))
