"""A distribution from a few quantiles: normal demand gives back normal theory, rare demand its own tail."""

import numpy as np
import pytest
from scipy.stats import expon, norm

from models.inventory.demand_distribution import TotalDemand
from tests.models.inventory.textbook import newsvendor_stock
from tests.models.inventory.worlds import LEVELS, normal_totals


@pytest.mark.parametrize("shortage", [1.0, 3.0, 9.0, 19.0])
def test_the_quantile_at_the_critical_ratio_is_the_newsvendors_stock(shortage: float) -> None:
    stock = newsvendor_stock(1.0, shortage, 80, 20)
    np.testing.assert_allclose(normal_totals(80, 20).quantile(shortage / (1 + shortage)), stock, rtol=1e-9)


def test_between_the_levels_normal_quantiles_are_exact_and_beyond_them_cautious() -> None:
    levels = np.linspace(0.03, 0.97, 40)
    found = [normal_totals(80, 20).quantile(level)[0] for level in levels]
    np.testing.assert_allclose(found, norm.ppf(levels, 80, 20))
    beyond = normal_totals(80, 20).quantile(0.99)[0]
    assert norm.ppf(0.99, 80, 20) < beyond < norm.ppf(0.995, 80, 20)


def test_the_tail_of_exponential_demand_is_exact() -> None:
    demand = TotalDemand(LEVELS, expon.ppf(LEVELS, scale=5)[None])
    for level in (0.98, 0.99, 0.999):
        np.testing.assert_allclose(demand.quantile(level), expon.ppf(level, scale=5))
    np.testing.assert_allclose(demand.probability_above(np.array([30.0])), expon.sf(30, scale=5))


def test_every_item_may_have_its_own_level() -> None:
    found = normal_totals(80, 20, items=3).quantile(np.array([0.1, 0.5, 0.9]))
    np.testing.assert_allclose(found, norm.ppf([0.1, 0.5, 0.9], 80, 20))


@pytest.mark.parametrize("level", [0.001, 0.025, 0.04, 0.5, 0.93, 0.975, 0.985, 0.9999])
def test_the_probability_above_a_quantile_is_what_is_left(level: float) -> None:
    demand = normal_totals(80, 20)
    np.testing.assert_allclose(demand.probability_above(demand.quantile(level)), 1 - level, rtol=1e-9)


def test_quantiles_rise_with_the_level_even_where_those_told_are_flat() -> None:
    demand = TotalDemand(LEVELS, np.array([[0, 0, 0, 0, 0, 1, 1, 4, 9.0], [0, 0, 0, 0, 0, 0, 0, 0, 0.0]]))
    levels = np.linspace(0.001, 0.999, 500)
    found = np.array([demand.quantile(level) for level in levels])
    assert (np.diff(found, axis=0) >= 0).all()
    assert not found[:, 1].any()
    stock = np.linspace(0, 30, 200)
    above = np.array([demand.probability_above(np.full(2, units)) for units in stock])
    assert (np.diff(above, axis=0) <= 0).all()
    assert not np.isnan(above).any()


def test_an_item_that_seldom_sells_needs_no_stock_to_last() -> None:
    demand = TotalDemand(LEVELS, np.array([[0, 0, 0, 0, 0, 0, 0, 2, 5.0]]))
    assert demand.probability_above(np.zeros(1))[0] == pytest.approx(0.1)  # 0 is the quantile .9
    never = TotalDemand(LEVELS, np.zeros((1, 9)))
    assert never.probability_above(np.zeros(1))[0] == pytest.approx(0.025)  # more is not known of it
    assert never.probability_above(np.ones(1))[0] == 0


def test_stock_that_is_not_told_has_no_probability() -> None:
    above = normal_totals(80, 20, items=2).probability_above(np.array([np.nan, -3.0]))
    assert np.isnan(above[0])
    assert above[1] == pytest.approx(1)  # less than nothing is nothing


def test_crossed_levels_are_refused() -> None:
    with pytest.raises(AssertionError):
        TotalDemand(LEVELS[::-1], np.zeros((1, 9)))
