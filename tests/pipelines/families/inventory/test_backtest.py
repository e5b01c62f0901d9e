"""The baseline is chosen by its cost on earlier days, at the store's terms in whole days."""

import numpy as np
import pytest

from contracts.errors import NotEnoughData
from models.demand.frequency import DAY
from models.demand.panel import Panel
from models.inventory.safety_stock import PAST_DEMAND
from models.inventory.terms import InventoryParameters
from pipelines.families.inventory.backtest import (
    DEFAULT_METHOD,
    cheapest_method,
    safety_stock_by_item,
    simulation_terms,
)

TERMS = InventoryParameters(lead_time_days=1, review_days=1)


def panel(units: np.ndarray) -> Panel:
    return Panel(units.astype(np.float32), np.ones(units.shape, bool), np.datetime64("2025-01-06"), DAY)


def test_the_cheapest_method_of_the_last_horizon_is_chosen() -> None:
    """Sales fell to a tenth long ago: the mean of all sales orders far too much, that of the last weeks does not."""
    random = np.random.default_rng(3)
    fallen = np.hstack([random.poisson(50, (6, 100)), random.poisson(5, (6, 60))])
    assert cheapest_method(panel(fallen), np.ones(6), TERMS, horizon=28) != PAST_DEMAND
    assert cheapest_method(panel(fallen[:, :40]), np.ones(6), TERMS, horizon=28) == DEFAULT_METHOD


def test_terms_are_whole_days_within_the_horizon() -> None:
    terms = simulation_terms(InventoryParameters(lead_time_days=2.5, review_days=7), horizon=28)
    assert (terms.lead_time, terms.review) == (3, 7)
    with pytest.raises(NotEnoughData, match=r"28 days.* 32 days"):
        simulation_terms(InventoryParameters(lead_time_days=25, review_days=7), horizon=28)


def test_each_item_has_the_demand_of_its_own_days() -> None:
    found = safety_stock_by_item(panel(np.full((2, 40), 3)), PAST_DEMAND, np.array([2, 5]))
    np.testing.assert_allclose(found.mean, [6, 15])
    np.testing.assert_allclose(found.sigma, 0)
