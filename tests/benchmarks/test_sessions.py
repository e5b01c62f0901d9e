"""Sessions become views one after the other; a prefix becomes a request, and never holds its target."""

import numpy as np
import pandas as pd

from benchmarks.recommendations.run import item_id
from benchmarks.sessions import SECONDS_PER_EVENT, K, cases, training
from recsys.data.interactions import KINDS
from recsys.request import MAX_SESSION


def test_views_follow_each_other_by_session_and_position() -> None:
    rows = [(2, 1, 30), (1, 2, 20), (1, 1, 10), (2, 2, 10)]
    interactions, items, as_of = training(pd.DataFrame(rows, columns=["session_id", "position", "item_id"]))
    order = np.argsort(interactions.times)
    assert [items.ids.value(item) for item in interactions.items[order].tolist()] == list(
        map(item_id, [10, 20, 30, 10])
    )
    assert np.diff(interactions.times[order]).tolist() == [SECONDS_PER_EVENT] * 3
    assert interactions.rows[order].tolist() == [0, 0, 1, 1]
    assert set(interactions.kinds.tolist()) == {KINDS.index("view")}
    assert as_of == interactions.times.max() + SECONDS_PER_EVENT


def test_a_prefix_is_a_session_of_its_latest_events() -> None:
    long = np.arange(MAX_SESSION + 5)
    queries, targets = cases(pd.DataFrame({"prefix": [np.array([4, 5]), long], "target": [6, 7]}))
    assert [event.item_id for event in queries[0].events] == [item_id(4), item_id(5)]
    assert [event.item_id for event in queries[1].events] == [item_id(number) for number in long[5:].tolist()]
    assert targets == [{item_id(6)}, {item_id(7)}]
    assert all(query.customer_id is None and query.k == K for query in queries)
