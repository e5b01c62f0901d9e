"""What kind of demand a series has, by how often and how evenly it sells."""

import numpy as np

from models.demand.panel import CLASSES, demand_class
from tests.models.demand.worlds import panel_of


def class_of(units: list[float], days: int = 56) -> str:
    return CLASSES[int(demand_class(panel_of(np.resize(units, days)[None, :]))[0])]


def test_the_four_patterns_and_none() -> None:
    assert class_of([5, 6]) == "smooth"
    assert class_of([1, 1, 1, 20]) == "erratic"
    assert class_of([5, 0]) == "intermittent"
    assert class_of([1, 0, 1, 0, 20, 0]) == "lumpy"
    assert class_of([0]) == "all_zero"


def test_a_series_first_sold_of_late_is_new() -> None:
    units = np.zeros((1, 56))
    units[0, -20:] = 4
    assert CLASSES[int(demand_class(panel_of(units))[0])] == "new"


def test_periods_that_do_not_count_are_no_periods_without_sales() -> None:
    units = np.resize([5.0, 0.0], 56)[None, :]
    assert CLASSES[int(demand_class(panel_of(units), units > 0)[0])] == "smooth"
