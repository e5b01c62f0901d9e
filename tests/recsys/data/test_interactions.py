"""Interactions: sorted histories, cut in time."""

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from tests.recsys.stores import DAY, Row, checkerboard, interactions, item_ids

ITEMS = Items.of(item_ids(4))
ROWS: list[Row] = [
    ("b", "item-001", "order", 2.0),
    ("a", "item-000", "view", 3.0),
    ("a", "item-002", "order", 1.0),
    ("a", "item-001", "cart", 3.0),
]


def columns(histories: Interactions) -> list[list[int]]:
    return [a.tolist() for a in (histories.offsets, histories.items, histories.kinds, histories.times)]


def test_histories_are_sorted_whatever_the_order_of_the_rows() -> None:
    histories = interactions(ROWS, ITEMS)
    assert histories.offsets.tolist() == [0, 3, 4]
    assert histories.times.tolist() == [1 * DAY, 3 * DAY, 3 * DAY, 2 * DAY]
    assert columns(interactions(ROWS[::-1], ITEMS)) == columns(histories)


def test_cuts_are_strict_and_keep_the_customers() -> None:
    histories = interactions(ROWS, ITEMS)
    assert histories.before(3 * DAY).times.tolist() == [1 * DAY, 2 * DAY]
    assert histories.between(2 * DAY, 3 * DAY).offsets.tolist() == [0, 0, 1]
    assert histories.latest(1).offsets.tolist() == [0, 1, 2]


def test_joined_tables_are_the_whole() -> None:
    whole = interactions(checkerboard(), Items.of(item_ids(40)))
    middle = int(np.median(whole.times))
    parts = whole.before(middle).joined(whole.between(middle, int(whole.times.max()) + 1))
    for column in ("offsets", "items", "kinds", "times"):
        np.testing.assert_array_equal(getattr(parts, column), getattr(whole, column))
