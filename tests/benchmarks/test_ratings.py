"""Training items are spread over days at random, and are not asked for again."""

import numpy as np
import pandas as pd

from benchmarks.ratings import DAYS, K, cases, popular_lists, training
from benchmarks.recommendations.run import item_id
from contracts.time_units import SECONDS_PER_DAY


def test_items_are_spread_over_all_days_before_the_end() -> None:
    count = 5000
    rows = pd.DataFrame({"user_id": np.arange(count) % 50, "item_id": np.arange(count) // 50})
    interactions, items, as_of = training(rows)
    assert (len(interactions), len(items), as_of) == (count, 100, DAYS * SECONDS_PER_DAY)
    shares = np.bincount(interactions.times // SECONDS_PER_DAY) / count
    assert len(shares) == DAYS
    # A share of 1/5 of 5,000 has a standard error of .006.
    assert np.abs(shares - 1 / DAYS).max() < 4 * 0.006


def test_a_user_is_asked_for_what_is_not_in_the_training_part() -> None:
    queries, targets = cases(pd.DataFrame({"user_id": [2, 1, 1], "item_id": [40, 10, 50]}))
    assert [(query.customer_id, query.k) for query in queries] == [("1", K), ("2", K)]
    assert all(query.filters.exclude_known for query in queries)
    assert targets == [{item_id(10), item_id(50)}, {item_id(40)}]


def test_popular_items_are_shown_without_those_of_the_training_part() -> None:
    train = pd.DataFrame([(1, 10), (1, 20), (2, 10), (2, 30), (3, 10), (3, 20)], columns=["user_id", "item_id"])
    found = popular_lists(train, pd.DataFrame({"user_id": [2, 1], "item_id": [5, 5]}))
    assert found == [[item_id(30)], [item_id(20)]]
