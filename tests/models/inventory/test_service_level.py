"""The stock that a service level asks for, checked by replaying it for so long that chance plays no part."""

import numpy as np
import pytest
from scipy.stats import norm, poisson

from models.inventory.demand_distribution import TotalDemand
from models.inventory.service_level import CycleDemand
from models.inventory.simulation import SimulationTerms, simulate
from tests.models.inventory.worlds import LEVELS, normal_totals

LEAD, REVIEW, CYCLES = 7, 7, 4_000
FINE = np.r_[LEVELS, 0.985, 0.99, 0.995]


def rare_orders(rng: np.random.Generator, days: int) -> np.ndarray:
    """An order every 50 days on average, of about 20 units: what lasts one order is seldom asked twice."""
    return np.where(rng.random(days) < 0.02, rng.poisson(20, days), 0).astype(np.float64)


def seen_totals(demand: np.ndarray, days: int) -> TotalDemand:
    running = np.pad(np.cumsum(demand), (1, 0))
    return TotalDemand(FINE, np.quantile(running[days:] - running[:-days], FINE)[None])


def achieved(demand: np.ndarray, stock: float) -> float:
    """The share of review periods without a lost sale, when orders go out up to `stock` at every review."""
    levels = np.full((1, CYCLES - 1), stock)
    found = simulate(demand[None], levels, np.zeros(1), SimulationTerms(LEAD, REVIEW, pack_size=0))
    return found.cycle_service


@pytest.mark.parametrize("level", [0.9, 0.95])
def test_rare_large_orders_get_the_service_asked_for_with_less_than_the_plain_quantile(level: float) -> None:
    demand = rare_orders(np.random.default_rng(0), CYCLES * REVIEW)
    lead, protected = seen_totals(demand, LEAD), seen_totals(demand, LEAD + REVIEW)
    stock, plain = CycleDemand(lead, protected).quantile(level)[0], protected.quantile(level)[0]
    assert stock < 0.97 * plain
    assert achieved(demand, stock) == pytest.approx(level, abs=0.015)
    assert achieved(demand, plain) > level + 0.01


def test_of_even_demand_it_is_the_plain_quantile() -> None:
    lead, protected = normal_totals(70, 7), normal_totals(140, 10)
    np.testing.assert_allclose(CycleDemand(lead, protected).quantile(0.95), protected.quantile(0.95), rtol=1e-6)


def test_what_arrives_at_once_is_the_plain_quantile_of_the_review_period() -> None:
    nothing, protected = TotalDemand(LEVELS, np.zeros((1, 9))), normal_totals(20, 15)
    np.testing.assert_allclose(CycleDemand(nothing, protected).quantile(0.9), norm.ppf(0.9, 20, 15), rtol=1e-6)


def test_a_long_lead_time_never_leaves_the_shelf_emptier_than_the_level_when_it_ends() -> None:
    months = (30, 31)  # one more day adds next to nothing to the risk of the days before
    lead, protected = (TotalDemand(LEVELS, poisson.ppf(LEVELS, 2 * days)[None].astype(float)) for days in months)
    assert CycleDemand(lead, protected).quantile(0.95)[0] >= lead.quantile(0.95)[0]


def test_more_service_never_asks_for_less_and_every_item_may_have_its_own() -> None:
    demand = rare_orders(np.random.default_rng(1), 20_000)
    cycle = CycleDemand(seen_totals(demand, LEAD), seen_totals(demand, LEAD + REVIEW))
    levels = np.linspace(0.5, 0.999, 200)
    single = np.array([cycle.quantile(level)[0] for level in levels])
    assert (np.diff(single) >= 0).all()
    many = CycleDemand(
        *(TotalDemand(FINE, np.tile(part.units, (len(levels), 1))) for part in (cycle.lead, cycle.protected))
    )
    np.testing.assert_array_equal(many.quantile(levels), single)
