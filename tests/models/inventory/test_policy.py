"""The plan of items whose demand is certain, which anybody can reckon, and of normal ones, which the textbook has."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm

from models.inventory.policy import (
    NEVER,
    days_of_cover,
    order_quantity,
    plan_inventory,
    stockout_day,
)
from models.inventory.service_level import CycleDemand
from tests.models.inventory.textbook import newsvendor_stock
from tests.models.inventory.worlds import normal_totals, steady_demand, terms


def test_two_units_a_day_need_fourteen_for_a_week() -> None:
    plan = plan_inventory(np.array([5.0]), steady_demand(2), terms())
    assert plan.reorder_point[0] == plan.order_up_to[0] == 14
    assert plan.order_quantity[0] == 9
    assert plan.stockout_day[0] == 2  # two days are served whole, on the third one unit is missing
    assert plan.stockout_probability[0] == pytest.approx(1, abs=0.02)
    assert plan.days_of_cover[0] == 2.5
    assert plan.overstock_units[0] == 0


def test_the_level_is_the_newsvendors_of_the_protected_time() -> None:
    cycle = CycleDemand(normal_totals(4 * 12, 5 * 4**0.5), normal_totals(7 * 12, 5 * 7**0.5))
    demand = replace(steady_demand(2), cycle=cycle)
    told = terms(lead_time_days=4, review_days=3, unit_cost=36.5, shortage_cost=0.9, holding_cost_per_year=1)
    expected = newsvendor_stock(0.3, 0.9, 12, 5, periods=7)
    np.testing.assert_allclose(plan_inventory(np.zeros(1), demand, told).reorder_point, expected, rtol=2e-3)


def test_enough_stock_orders_nothing_and_one_unit_less_orders_the_sales_of_a_review_period() -> None:
    stock = np.array([14.0, 13.0, 0.0])
    plan = plan_inventory(stock, steady_demand(2, items=3), terms(items=3))
    assert plan.order_quantity.tolist() == [0, 6, 14]


def test_what_is_empty_is_empty_today_even_where_its_median_demand_is_nothing_for_days() -> None:
    medians = np.array([[0.0, 0, 0, 1, 1]])
    assert stockout_day(np.zeros(1), np.zeros(1), np.zeros(1), medians)[0] == 0
    assert stockout_day(np.zeros(1), np.full(1, 9.0), np.full(1, 2.0), medians)[0] == 0
    assert stockout_day(np.ones(1), np.zeros(1), np.zeros(1), medians)[0] == NEVER
    assert stockout_day(np.zeros(1), np.zeros(1), np.zeros(1), np.zeros((1, 5)))[0] == NEVER  # nobody wants it


def test_what_is_on_order_counts_towards_the_level_and_from_its_arrival_on() -> None:
    told = terms(items=2, on_order=[0, 6], on_order_in_days=[0, 3])
    plan = plan_inventory(np.array([8.0, 8.0]), steady_demand(2, items=2), told)
    assert plan.order_quantity.tolist() == [6, 0]
    assert plan.stockout_day.tolist() == [4, 7]


def test_what_arrives_too_late_does_not_hide_the_gap_before_it() -> None:
    late = stockout_day(np.array([4.0]), np.array([100.0]), np.array([5.0]), steady_demand(2).median_totals)
    assert late[0] == 2
    in_time = stockout_day(np.array([4.0]), np.array([100.0]), np.array([2.0]), steady_demand(2).median_totals)
    assert in_time[0] == NEVER


def test_an_order_comes_in_packs_and_not_below_the_minimum() -> None:
    position, level = np.array([10.0, 10.0, 13.0, 14.0, np.nan]), np.full(5, 14.0)
    assert order_quantity(position, level, level, 6, 0).tolist()[:4] == [6, 6, 6, 0]
    assert order_quantity(position, level, level, 6, 13).tolist()[:4] == [18, 18, 18, 0]
    assert np.isnan(order_quantity(position, level, level, 1, 0)[4])
    # 3 × 0.1 is a little more than 0.3: that is no reason for another pack.
    assert order_quantity(np.zeros(1), np.array([3 * 0.1]), np.array([3 * 0.1]), 0.1, 0)[0] == pytest.approx(0.3)


def test_a_costly_order_brings_the_economic_lot() -> None:
    told = terms(unit_cost=10, order_cost=9, holding_cost_per_year=0.365)
    lot = np.sqrt(2 * 2 * 365 * 9 / 3.65)  # 60
    plan = plan_inventory(np.array([8.0]), steady_demand(2), told)  # as much as is left at a review, on average
    assert plan.reorder_point[0] == 14
    assert plan.order_quantity[0] == pytest.approx(np.ceil(lot))


def test_stock_that_is_not_told_still_has_a_reorder_point() -> None:
    plan = plan_inventory(np.array([np.nan]), steady_demand(2), terms())
    assert plan.reorder_point[0] == 14
    assert plan.stockout_day[0] == NEVER
    unknown = (plan.order_quantity, plan.stockout_probability, plan.days_of_cover, plan.overstock_units)
    assert np.isnan(unknown).all()


def test_an_uncertain_item_runs_out_on_the_day_on_which_the_median_passes_the_stock() -> None:
    days = np.arange(1, 29)
    medians = norm.ppf(0.5, 2 * days, np.sqrt(days))[None]
    assert stockout_day(np.array([9.0]), np.zeros(1), np.zeros(1), medians)[0] == 4
    assert stockout_day(np.array([56.0]), np.zeros(1), np.zeros(1), medians)[0] == NEVER


def test_cover_follows_the_forecast_and_goes_on_at_its_mean() -> None:
    rising = np.cumsum([[1.0, 2, 3, 4]], axis=1)
    assert days_of_cover(np.array([0.0]), rising)[0] == 0
    assert days_of_cover(np.array([4.5]), rising)[0] == 2.5
    assert days_of_cover(np.array([10.0]), rising)[0] == 4
    assert days_of_cover(np.array([15.0]), rising)[0] == 6
    assert days_of_cover(np.array([3.0]), np.zeros((1, 4)))[0] == np.inf
    assert days_of_cover(np.array([3.0]), np.array([[0.0, 3, 3, 6]]))[0] == 3


def test_overstock_is_what_two_months_beyond_the_level_do_not_sell() -> None:
    stock = np.array([14 + 120 + 5.0, 14 + 120.0])
    plan = plan_inventory(stock, steady_demand(2, items=2), terms(items=2))
    assert plan.overstock_units.tolist() == [5, 0]
    still = plan_inventory(np.array([3.0]), steady_demand(0), terms())
    assert still.overstock_units[0] == 3  # nobody wants it


def test_more_stock_never_orders_more_nor_runs_out_sooner() -> None:
    stock = np.arange(0, 300.0)
    demand = replace(steady_demand(2, items=300), until_delivery=normal_totals(8, 3, 300))
    plan = plan_inventory(stock, demand, terms(items=300, pack_size=5, minimum_order=12))
    assert (np.diff(plan.order_quantity) <= 0).all()
    assert (np.diff(plan.stockout_probability) <= 0).all()
    assert (np.diff(plan.days_of_cover) > 0).all()
    assert (np.diff(plan.overstock_units) >= 0).all()


def test_twice_the_demand_and_stock_orders_twice_as_much() -> None:
    once = plan_inventory(np.array([5.0]), steady_demand(2), terms())
    twice = plan_inventory(np.array([10.0]), steady_demand(4), terms())
    assert twice.order_quantity[0] == 2 * once.order_quantity[0]
    assert twice.stockout_day[0] == once.stockout_day[0]


def test_days_are_whole_and_the_next_delivery_is_the_one_that_comes_first() -> None:
    told = terms(items=4, lead_time_days=[4, 4.5, 0, 4], on_order=[0, 0, 0, 5], on_order_in_days=[1, 1, 1, 2])
    assert told.days_until_delivery.tolist() == [4, 5, 1, 2]
    assert told.protected_days.tolist() == [7, 8, 3, 7]
