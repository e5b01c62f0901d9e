import numpy as np

from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool
from recsys.retrieval.popularity import Popularity
from tests.recsys.stores import ORDER, VIEW, Row, item_ids, retriever, user

ITEMS = Items.of(item_ids(6), categories=["tea", "tea", "tea", "mug", "mug", None])
EVERYTHING = np.ones(6, bool)
ROWS: list[Row] = [
    *[(f"c{n}", "item-000", "order", 98.0) for n in range(4)],
    *[(f"c{n}", "item-001", "order", 80.0) for n in range(6)],
    *[(f"c{n}", "item-003", "order", 97.0) for n in range(2)],
    ("fan", "item-004", "order", 60.0),
    ("fan", "item-005", "view", 99.0),
]


def popularity(**limits: int) -> Popularity:
    return retriever(ROWS, ITEMS, 100, RecommendParameters(**limits)).popularity


def proposed(source: Popularity, asked: UserHistory, eligible: np.ndarray = EVERYTHING) -> set[int]:
    pool = CandidatePool.of(6, 1)
    source.retrieve(asked, eligible, pool, 0)
    return set(pool.items[: pool.size[0]].tolist())


def test_the_last_week_comes_before_the_last_month_and_the_rest() -> None:
    found = popularity()
    assert found.top(6, EVERYTHING).tolist() == [0, 3, 1, 4, 5, 2]
    assert found.top(2, np.array([False, True, True, False, True, True])).tolist() == [1, 4]
    assert found.popular_count == 5


def test_the_popular_items_of_a_category_are_its_own() -> None:
    tea = ITEMS.categories.index("tea")
    assert popularity().top_of_category(tea, 2, EVERYTHING).tolist() == [0, 1]
    assert popularity().top_of_category(tea, 9, np.arange(6) != 0).tolist() == [1, 2]


def test_a_shopper_is_offered_what_is_popular_in_their_categories() -> None:
    found = popularity(candidates_popular=1, candidates_per_category=1)
    assert proposed(found, user([])) == {0}
    assert proposed(found, user([(4, ORDER, 40.0), (5, VIEW, 1.0)])) == {0, 3}  # the most popular mug
    assert proposed(found, user([(4, ORDER, 40.0)]), np.arange(6) != 3) == {0, 4}


def test_only_the_categories_of_most_interest_count() -> None:
    ids = item_ids(10)
    items = Items.of(ids, categories=[f"category {n // 2}" for n in range(10)])
    rows: list[Row] = [(f"c{n}", item, "order", 99.0) for item in ids for n in range(1 + int(item[-1]) % 2)]
    found = retriever(rows, items, 100, RecommendParameters(candidates_popular=1, candidates_per_category=1)).popularity
    pool = CandidatePool.of(10, 1)
    history = [(2 * category, VIEW, 10.0 * (5 - category)) for category in range(1, 5)]  # the last is the freshest
    found.retrieve(user(history), np.ones(10, bool), pool, 0)
    assert set(pool.items[: pool.size[0]].tolist()) == {1, 9, 7, 5}  # of all: 1; of category 4, 3 and 2


def test_what_nobody_touched_is_not_proposed() -> None:
    assert 2 not in proposed(popularity(), user([(0, VIEW, 1.0)]))
