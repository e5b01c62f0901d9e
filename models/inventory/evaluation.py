"""Evaluation of inventory policies: the cost of their orders on a later window."""

from collections.abc import Sequence

import numpy as np

from models.demand.panel import Panel
from models.inventory.demand_distribution import DemandDistribution, DemandForecaster
from models.inventory.simulation import SimulatedStock, SimulationTerms, simulate


def window_end(origin: int, periods: int, terms: SimulationTerms) -> int:
    """The last end, up to `periods`, of a window in which every order that arrives had to last until the end.

    Then no review needs covariates after the window.
    """
    return origin + (periods - origin - terms.protected) // terms.review * terms.review + terms.protected


def forecasts_at_reviews(
    forecaster: DemandForecaster, panel: Panel, origin: int, end: int, terms: SimulationTerms
) -> list[DemandDistribution]:
    """The forecast at each review whose order arrives within the window, from the past alone."""
    return [forecaster(panel.before(period)) for period in range(origin, end - terms.lead_time, terms.review)]


def simulate_policy(
    forecasts: Sequence[DemandDistribution],
    panel: Panel,
    origin: int,
    end: int,
    service_level: float,
    terms: SimulationTerms,
) -> SimulatedStock:
    """Simulate the policy that orders up to the forecasts' `service_level` quantile."""
    levels = np.column_stack([forecast.quantile(service_level) for forecast in forecasts])
    before = panel.units[:, max(origin - terms.review, 0) : origin].sum(axis=1, dtype=np.float64)
    return simulate(panel.units[:, origin:end].astype(np.float64), levels, before, terms)


def policy_metrics(
    stock: SimulatedStock, terms: SimulationTerms, service_level: float, value: np.ndarray | float
) -> dict[str, float]:
    """Costs, in value × periods held, and service. A lost unit costs what makes `service_level` optimal."""
    holding, shortage = (float(cost.sum()) for cost in stock.costs(terms, service_level, value))
    return {
        "total_cost": holding + shortage,
        "holding_cost": holding,
        "shortage_cost": shortage,
        "fill_rate": stock.fill_rate,
        "cycle_service": stock.cycle_service,
    }
