"""Item counters: distinct customers in time windows."""

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from tests.recsys.stores import DAY, interactions, item_ids

ITEMS = Items.of(item_ids(4))


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


def test_counters_survive_their_arrays() -> None:
    counters = ItemCounters.of(interactions([("a", "item-001", "order", 2.0)], ITEMS), 3 * DAY, target_kind=2)
    read = ItemCounters.from_arrays(counters.to_arrays())
    assert {name: values.tolist() for name, values in vars(read).items()} == {
        name: values.tolist() for name, values in vars(counters).items()
    }
