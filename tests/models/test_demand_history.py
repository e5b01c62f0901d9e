"""The matrix of items by days, and the classes of demand."""

import numpy as np
import pytest

from models.demand_history import CLASSES, demand_class, demand_history, first_sale_day, typical_sale
from tests.models.demand_worlds import MONDAY, history_of


def test_rows_become_a_matrix_and_prices_are_carried_forward() -> None:
    history = demand_history(
        item=np.array([0, 0, 1]),
        day=np.array([1, 3, 0]),
        units=np.array([2.0, 4.0, 5.0]),
        price=np.array([9.0, np.nan, 3.0]),
        category=np.array([0, -1]),
        first_day=MONDAY,
        days=4,
    )
    np.testing.assert_array_equal(history.units, [[0, 2, 0, 4], [5, 0, 0, 0]])
    np.testing.assert_array_equal(history.price, [[np.nan, 9, 9, 9], [3, 3, 3, 3]])
    assert history.days == 4
    np.testing.assert_array_equal(history.before(2).units, [[0, 2], [5, 0]])


def test_two_rows_of_an_item_for_one_day_are_refused() -> None:
    twice, once = np.array([0, 0]), np.array([1.0, 1.0])
    with pytest.raises(ValueError, match="more than one row for the same day"):
        demand_history(twice, twice, once, once, np.array([0]), MONDAY, 4)


def test_first_sales_and_typical_sales() -> None:
    units = np.array([[0, 0, 3, 1, 9], [0, 0, 0, 0, 0], [2, 0, 0, 0, 8]], dtype=np.float32)
    np.testing.assert_array_equal(first_sale_day(units), [2, 5, 0])
    np.testing.assert_array_equal(typical_sale(units), [3, 0, 2])


def test_a_day_counts_at_most_so_many_times_the_median_sale() -> None:
    capped = history_of(np.array([[1, 1, 100, 1], [0, 0, 0, 0]])).capped(5)
    np.testing.assert_array_equal(capped.units, [[1, 1, 5, 1], [0, 0, 0, 0]])


def test_classes_of_demand() -> None:
    days = 120
    every, seldom = np.ones(days), np.arange(days) % 4 == 0
    uneven = np.where(np.arange(days) % 12 == 0, 30, 1)
    new = np.zeros(days)
    new[-10:] = 1
    history = history_of(np.stack([every, every * uneven, seldom, seldom * uneven, new, np.zeros(days)]))
    names = [CLASSES[code] for code in demand_class(history)]
    assert names == ["smooth", "erratic", "intermittent", "lumpy", "new", "new"]
