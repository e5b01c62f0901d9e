import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions, ItemCounters
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


def test_counters_count_customers_in_windows() -> None:
    rows = [(f"c{n}", "item-000", "order", 95.0) for n in range(3)]
    rows += [("busy", "item-001", "order", 95.0 + n / 100) for n in range(50)]
    rows += [(f"c{n}", "item-002", "order", 80.0) for n in range(5)]
    rows += [("c0", "item-000", "order", 50.0), ("c0", "item-003", "view", 99.0)]
    counters = ItemCounters.of(interactions(rows, ITEMS), 100 * DAY, target_kind=2)
    assert counters.week.tolist() == [3, 1, 0, 0]
    assert counters.month.tolist() == [3, 1, 5, 0]
    assert counters.touched.tolist() == [3, 1, 5, 1]
    assert counters.age_days.tolist() == [50, 5, 20, 1]
    assert counters.repeat_share[0] == np.float32(1 / 8)  # one of three buyers came back; shrunk by 5
    assert np.argsort(-counters.popularity).tolist() == [0, 1, 2, 3]


def test_joined_tables_are_the_whole() -> None:
    whole = interactions(checkerboard(), Items.of(item_ids(40)))
    middle = int(np.median(whole.times))
    parts = whole.before(middle).joined(whole.between(middle, int(whole.times.max()) + 1))
    for column in ("offsets", "items", "kinds", "times"):
        np.testing.assert_array_equal(getattr(parts, column), getattr(whole, column))
