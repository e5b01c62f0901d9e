"""Metrics of discoveries whose truth is known by construction."""

import numpy as np
import pytest

from models.trends.evaluation import LaterWeeks, later_weeks, naive_change, naive_directions, strongest
from models.trends.weekly_sales import WeeklyPanel
from tests.models.trends.worlds import some_slopes, trends_of, weekly_sales


def later(above: list[bool]) -> LaterWeeks:
    expected = np.full(len(above), 10.0)
    return LaterWeeks(np.where(above, 15.0, 5.0), expected, np.ones(len(above), dtype=bool))


def test_true_discoveries_are_worth_one_each() -> None:
    weeks = later([True] * 3 + [False] * 7)
    calls = np.array([1, 1, 1, -1, 0, 0, 0, 0, 0, 0])
    everybody = np.ones(10, dtype=bool)
    assert weeks.decision_values(calls, everybody, 0.1).mean() == pytest.approx(40)
    assert weeks.decision_values(np.zeros(10), everybody, 0.1).mean() == 0
    # One in ten fails: two in ten were false, at nine times the price of a right one.
    assert later([True] * 9 + [False]).decision_values(np.ones(10), everybody, 0.1).mean() == pytest.approx(80 - 9 * 20)


def test_discoveries_at_the_promised_false_rate_are_worth_nothing() -> None:
    weeks = later([True] * 95 + [False] * 5)  # ten false ones, of which half look right
    assert weeks.decision_values(np.ones(100), np.ones(100, dtype=bool), 0.1).mean() == pytest.approx(0)


def test_few_failures_do_not_prove_a_broken_promise_and_many_do() -> None:
    assert later([True, False]).min_false_share(np.ones(2)) < 0.1
    assert later([True] * 30 + [False] * 30).min_false_share(np.ones(60)) > 0.7
    assert later([True] * 30).min_false_share(np.ones(30)) == 0


def test_the_level_moves_with_the_store_and_the_season_of_the_category() -> None:
    category = np.repeat([0, 1], 30)
    week = np.arange(80)
    season = np.where((category[:, None] == 1) & (week % 52 >= 24), 3.0, 1.0)  # week 76 is week 24 of the year
    store = np.where(week >= 76, 1.5, 1.0)
    units = 20 * season * store
    weeks = later_weeks(WeeklyPanel(units, np.ones_like(units), category), later=4, window=12)
    np.testing.assert_allclose(weeks.actual / weeks.expected, 1, atol=0.02)
    panel = WeeklyPanel(units[:, 40:], np.ones((60, 40)), category)
    without = later_weeks(panel, later=4, window=12)  # the control: no last year
    assert np.ptp(without.actual / without.expected) > 0.5


def test_who_was_out_of_stock_later_is_not_judged() -> None:
    units, exposure = np.full((3, 20), 5.0), np.ones((3, 20))
    units[0, -4:], exposure[0, -4:] = 0, 0
    assert later_weeks(WeeklyPanel(units, exposure, np.full(3, -1)), 4, 8).is_known.tolist() == [False, True, True]


def test_the_naive_baseline_compares_four_weeks_with_the_four_before() -> None:
    units = np.array([[10.0] * 8, [10.0] * 4 + [20.0] * 4, [10.0] * 4 + [5.0] * 4])
    change = naive_change(units)
    np.testing.assert_allclose(np.exp(change), [1, 81 / 41, 21 / 41])
    assert naive_directions(change).tolist() == [0, 1, -1]


def test_the_strongest_are_a_tenth_but_not_too_few() -> None:
    evidence = np.arange(300.0)
    assert strongest(evidence, evidence >= 100).tolist() == list(range(299, 279, -1))
    assert len(strongest(evidence, evidence >= 285)) == 10
    assert strongest(evidence, evidence >= 297).tolist() == [299, 298, 297]


def test_trends_are_worth_more_than_the_naive_baseline_and_persist() -> None:
    slopes = some_slopes(300, 0.2, 1)
    units, category = weekly_sales(300, 116, 1, slopes, trend_weeks=20)
    known = units[:, :-4]
    trends = trends_of(known, category)
    weeks = later_weeks(WeeklyPanel(units, np.ones_like(units), category), 4, trends.window_weeks)
    everybody = trends.is_tested
    naive = naive_directions(naive_change(known))
    ours_worth = weeks.decision_values(trends.direction, everybody, 0.1).mean()
    naive_worth = weeks.decision_values(naive, everybody, 0.1).mean()
    assert ours_worth is not None
    assert naive_worth is not None
    assert ours_worth > 0 > naive_worth
    assert weeks.min_false_share(trends.direction) < 0.2 < weeks.min_false_share(naive)
    kept = weeks.persistence(trends, 4)
    assert kept == pytest.approx(1, abs=0.3)
