"""Plain lists by hand."""

import numpy as np

from benchmarks.recommendations.plain import followers, most_frequent, popular, shown
from benchmarks.recommendations.run import item_id


def test_popular_items_are_the_most_frequent() -> None:
    assert popular(np.array([5, 3, 5, 9, 3, 5])) == [5, 3, 9]


def test_a_customers_items_go_by_count_then_by_everybodys() -> None:
    customers, items = np.array([1, 1, 1, 2, 2, 1]), np.array([7, 4, 8, 8, 8, 4])
    assert most_frequent(customers, items) == {1: [4, 8, 7], 2: [8]}


def test_followers_stay_within_the_session() -> None:
    sessions, items = np.array([1, 1, 2, 2, 2, 3, 3]), np.array([5, 6, 5, 7, 5, 5, 7])
    assert followers(sessions, items) == {5: [7, 6], 7: [5]}


def test_a_list_is_filled_up_with_each_item_once_and_nothing_hidden() -> None:
    assert shown([3, 1], [1, 2, 4, 5], 4) == list(map(item_id, [3, 1, 2, 4]))
    assert shown([3, 1], [1, 2, 4, 5], 3, hidden=[1, 4]) == list(map(item_id, [3, 2, 5]))
    assert shown([], [], 3) == []
