"""Weeks of days, and categories of items, computed by hand."""

import numpy as np

from models.trends.weekly_sales import WeeklyPanel, category_panel, weekly


def test_weeks_are_counted_from_the_end() -> None:
    units = np.arange(17.0)[None]
    weeks, exposure = weekly(units, np.ones((1, 17), dtype=bool))
    np.testing.assert_array_equal(weeks, [[sum(range(3, 10)), sum(range(10, 17))]])
    np.testing.assert_array_equal(exposure, [[1, 1]])


def test_a_day_that_was_not_seen_is_missing_from_the_exposure() -> None:
    units, known = np.ones((1, 14)), np.ones((1, 14), dtype=bool)
    known[0, 8] = False
    weeks, exposure = weekly(units, known)
    np.testing.assert_array_equal(weeks, [[7, 6]])
    np.testing.assert_allclose(exposure, [[1, 6 / 7]])


def test_the_week_in_which_a_series_began_is_left_out() -> None:
    known = np.arange(28) >= np.array([[0], [7], [9]])
    weeks, exposure = weekly(known.astype(float), known)
    np.testing.assert_array_equal(exposure, [[1, 1, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]])
    np.testing.assert_array_equal(weeks, 7 * exposure)


def test_one_huge_day_is_cut() -> None:
    units = np.full((1, 14), 2.0)
    units[0, 3] = 1_000
    weeks, _ = weekly(units, np.ones_like(units, dtype=bool))
    np.testing.assert_array_equal(weeks, [[12 + 10, 14]])


def test_a_series_that_never_sold_stays_at_nothing() -> None:
    weeks, exposure = weekly(np.zeros((1, 14)), np.zeros((1, 14), dtype=bool))
    assert not weeks.any()
    assert not exposure.any()


def test_categories_are_the_sum_of_their_items() -> None:
    units = np.array([[4.0, 4, 4, 4], [2, 2, 0, 2], [9, 9, 9, 9]])
    exposure = np.array([[1.0, 1, 1, 1], [1, 1, 0, 1], [1, 1, 1, 1]])
    sums = category_panel(WeeklyPanel(units, exposure, np.array([0, 0, -1])))
    np.testing.assert_array_equal(sums.units, [[6, 6, 4, 6]])
    np.testing.assert_allclose(sums.exposure, [[1, 1, 4 / 6, 1]])  # the item out of stock took a third away


def test_an_item_that_came_later_makes_its_category_sell_more() -> None:
    units, exposure = np.array([[4.0, 4, 4], [0, 0, 4]]), np.array([[1.0, 1, 1], [0, 0, 1]])
    sums = category_panel(WeeklyPanel(units, exposure, np.array([0, 0])))
    np.testing.assert_array_equal(sums.units, [[4, 4, 8]])
    np.testing.assert_array_equal(sums.exposure, [[1, 1, 1]])
