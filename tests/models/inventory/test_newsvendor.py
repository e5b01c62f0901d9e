"""Costs become a service level and a lot, as the textbook has them."""

import numpy as np
import pytest

from models.inventory.newsvendor import critical_ratio, economic_order_quantity, service_levels, shortage_cost_of
from tests.models.inventory.textbook import economic_lot, newsvendor_stock
from tests.models.inventory.worlds import normal_totals, terms


@pytest.mark.parametrize(
    ("costs_and_demand", "periods", "stock"),
    [
        ((1.0, 1.0, 80, 20), 1, 80.0),
        ((1.0, 19.0, 80, 20), 1, 112.89707253902944),
        ((0.3, 0.9, 12, 5), 7, 92.92266070440456),
        ((0.0958904109589041, 0.2, 50, 8), 1, 53.65069058217752),
    ],
)
def test_the_reference_agrees_with_stockpyl(
    costs_and_demand: tuple[float, float, float, float], periods: int, stock: float
) -> None:
    """Values of `newsvendor_normal`, whose lead_time is one period less, and of `economic_order_quantity`, in 1.0.2."""
    assert newsvendor_stock(*costs_and_demand, periods=periods) == pytest.approx(stock, rel=1e-12)
    assert economic_lot(8, 1, 3.0 * 365) == pytest.approx(132.36313686219438, rel=1e-12)


def test_the_level_from_costs_gives_the_newsvendors_stock() -> None:
    told = terms(unit_cost=10, shortage_cost=0.2, review_days=7, holding_cost_per_year=0.5)
    held = 10 * 0.5 * 7 / 365  # a unit too many, for one review period
    stock = newsvendor_stock(held, 0.2, 50, 8)
    np.testing.assert_allclose(normal_totals(50, 8).quantile(service_levels(told)), stock)


def test_without_costs_the_level_that_was_set_holds() -> None:
    assert service_levels(terms(unit_cost=[10, np.nan], shortage_cost=[np.nan, 3], items=2)).tolist() == [0.9, 0.9]
    assert service_levels(terms(unit_cost=10, shortage_cost=3))[0] != 0.9  # the control: both are told


def test_however_dear_a_lost_sale_no_forecast_is_asked_for_certainty() -> None:
    assert service_levels(terms(unit_cost=1, shortage_cost=1e6))[0] == 0.999


def test_the_shortage_cost_of_a_level_gives_the_level_back() -> None:
    cost = shortage_cost_of(0.95, 7.0)
    assert critical_ratio(np.array([cost]), np.array([7.0]))[0] == pytest.approx(0.95)


def test_the_lot_is_the_economic_one() -> None:
    told = terms(unit_cost=4, order_cost=8, holding_cost_per_year=0.25)
    lot = economic_lot(8, 1, 3.0 * 365)
    np.testing.assert_allclose(economic_order_quantity(np.array([3.0]), told), lot)


def test_there_is_no_lot_where_orders_are_free_or_the_unit_cost_is_unknown() -> None:
    told = terms(items=2, unit_cost=[4, np.nan], order_cost=[0, 8])
    assert economic_order_quantity(np.array([3.0, 3.0]), told).tolist() == [0, 0]
