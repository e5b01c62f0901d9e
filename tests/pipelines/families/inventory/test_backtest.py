"""The backtest chooses the policy that costs least, at the store's terms in whole days."""

from datetime import UTC, datetime

import numpy as np
import pytest

from contracts.errors import NotEnoughData
from models.demand.frequency import DAY
from models.demand.panel import Panel
from models.inventory.safety_stock import ONE_STEP_ERRORS, PAST_DEMAND, TEXTBOOK_METHODS
from models.inventory.simulation import SimulationTerms
from models.inventory.terms import InventoryParameters
from pipelines.families.inventory.backtest import FORECAST, PolicyComparison, safety_stock_by_item, simulation_terms

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def comparison(forecast_cost: float) -> PolicyComparison:
    """The textbook methods cost 30, 20 and 10, in the order of TEXTBOOK_METHODS."""
    costs = {FORECAST: forecast_cost} | dict(zip(TEXTBOOK_METHODS, (30.0, 20.0, 10.0), strict=True))
    metrics = {name: {"total_cost": cost} for name, cost in costs.items()}
    return PolicyComparison(MOMENT, MOMENT, 1, SimulationTerms(1, 1), metrics)


@pytest.mark.parametrize(("cost", "chosen"), [(9.0, FORECAST), (11.0, ONE_STEP_ERRORS), (10.0, ONE_STEP_ERRORS)])
def test_the_forecast_must_cost_less_than_the_cheapest_textbook_method(cost: float, chosen: str) -> None:
    assert comparison(cost).baseline == ONE_STEP_ERRORS
    assert comparison(cost).chosen == chosen


def test_terms_are_whole_days_within_the_horizon() -> None:
    terms = simulation_terms(InventoryParameters(lead_time_days=2.5, review_days=7), horizon=28)
    assert (terms.lead_time, terms.review) == (3, 7)
    with pytest.raises(NotEnoughData, match=r"28 days.* 32 days"):
        simulation_terms(InventoryParameters(lead_time_days=25, review_days=7), horizon=28)


def test_each_item_has_the_demand_of_its_own_days() -> None:
    panel = Panel(np.full((2, 40), 3, np.float32), np.ones((2, 40), bool), np.datetime64("2025-01-06"), DAY)
    found = safety_stock_by_item(panel, PAST_DEMAND, np.array([2, 5]))
    np.testing.assert_allclose(found.mean, [6, 15])
    np.testing.assert_allclose(found.sigma, 0)
