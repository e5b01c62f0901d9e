"""Replays that can be followed by hand, and one whose long run stockpyl's formula tells."""

import numpy as np
import pytest
from scipy.stats import norm

from models.inventory.simulation import SimulationTerms, simulate

WEEKLY = SimulationTerms(lead_time=2, review=3)


def test_one_unit_a_day_and_exactly_enough_loses_nothing_and_holds_little() -> None:
    demand = np.ones((1, 9))
    found = simulate(demand, np.full((1, 3), 5.0), np.array([3.0]), WEEKLY)
    # Morning 0: 2 left, 3 ordered, there on day 2. After the days: 1, 0, 2, 1, 0, 2, 1, 0, 2.
    assert found.unit_periods[0] == 9
    assert found.lost_units[0] == 0
    assert found.fill_rate == found.cycle_service == 1


def test_one_unit_too_few_loses_one_whenever_a_whole_order_is_waited_for() -> None:
    found = simulate(np.ones((1, 9)), np.full((1, 3), 4.0), np.array([3.0]), WEEKLY)
    # Days 1 and 7 have an empty shelf. What was lost on day 1 is not asked for again, so day 4 has its unit.
    assert found.lost_units[0] == 2
    assert found.cycle_service == pytest.approx(1 / 3)
    assert found.fill_rate == pytest.approx(7 / 9)
    holding, shortage = found.costs(WEEKLY, 0.9, 2.0)
    assert holding == 2 * found.unit_periods[0]
    assert shortage == pytest.approx(2 * 2 * (3 * 9))  # nine times what holding a unit for a review period costs


def test_goods_cannot_be_sold_before_they_arrive() -> None:
    demand = np.array([[0.0, 0, 0, 4, 4, 4]])
    late = simulate(demand, np.array([[0.0, 20.0]]), np.zeros(1), WEEKLY)  # ordered on day 3, there on day 5
    assert late.lost_units[0] == 8
    at_once = simulate(demand, np.array([[0.0, 20.0]]), np.zeros(1), SimulationTerms(lead_time=0, review=3))
    assert at_once.lost_units[0] == 0


def test_what_is_on_order_is_not_ordered_twice() -> None:
    long = SimulationTerms(lead_time=6, review=1)
    found = simulate(np.zeros((1, 9)), np.full((1, 9), 5.0), np.array([5.0]), long)
    assert found.unit_periods[0] == 5 * 3  # 5 units from day 6 on


def test_orders_come_in_packs() -> None:
    demand = np.array([[1.0, 1, 1, 1, 1, 1]])
    found = simulate(demand, np.full((1, 2), 5.0), np.array([3.0]), SimulationTerms(2, 3, pack_size=10))
    loose = simulate(demand, np.full((1, 2), 5.0), np.array([3.0]), SimulationTerms(2, 3, pack_size=0))
    assert found.unit_periods[0] > loose.unit_periods[0]


def test_the_normal_level_keeps_its_service_in_the_long_run() -> None:
    demand = np.maximum(np.random.default_rng(5).normal(100, 20, (200, 210)), 0)
    level = 700 + norm.ppf(0.9) * 20 * 7**0.5
    terms = SimulationTerms(lead_time=4, review=3)
    found = simulate(demand, np.full((200, 70), level), np.full(200, 300.0), terms)
    assert 0.9 <= found.cycle_service <= 0.93  # lost sales leave somewhat more for the next ones
    costs = [
        np.sum(simulate(demand, np.full((200, 70), units), np.full(200, 300.0), terms).costs(terms, 0.9, 1.0))
        for units in (level - 60, level, level + 60)
    ]
    assert min(costs) == costs[1]  # the newsvendor's level costs least
