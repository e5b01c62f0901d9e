"""Sessions become views one after the other; a prefix becomes a request, and never holds its target."""

import numpy as np
import pandas as pd

from benchmarks.recommendations.run import item_id, scored
from benchmarks.sessions import METRICS, SECONDS_PER_EVENT, K, cases, plain_lists, training
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


def test_what_followed_the_latest_item_comes_first() -> None:
    sessions = [[5, 6], [5, 7], [5, 7], [9], [9], [9], [9]]
    rows = [(number, place, item) for number, items in enumerate(sessions) for place, item in enumerate(items)]
    train = pd.DataFrame(rows, columns=["session_id", "position", "item_id"])
    test = pd.DataFrame({"prefix": [np.array([9, 5]), np.array([8])], "target": [6, 9]})
    found = plain_lists(train, test)
    assert found["followers"] == [list(map(item_id, [7, 6, 9, 5])), list(map(item_id, [9, 5, 7, 6]))]
    assert found["own_then_followers"] == [list(map(item_id, [5, 9, 7, 6])), list(map(item_id, [8, 9, 5, 7, 6]))]
    targets = cases(test)[1]
    assert scored(found["followers"], targets, METRICS) == {"p_at_20": 1, "mrr_at_20": 0.75}
    assert scored(found["popular"], targets, METRICS) == {"p_at_20": 1, "mrr_at_20": (1 / 4 + 1) / 2}
