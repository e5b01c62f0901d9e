import numpy as np

from recsys.items import Items
from recsys.parameters import RecommendParameters
from recsys.retrieval.history import History
from recsys.retrieval.popularity import Popularity
from recsys.retrieval.retriever import Retriever
from recsys.retrieval.source import Proposals
from tests.recsys.stores import DAY, Row, interactions, item_ids

ITEMS = Items.of(item_ids(6), categories=["tea", "tea", "tea", "mug", "mug", None])
EVERYTHING = np.ones(6, bool)
ROWS: list[Row] = [
    *[(f"c{n}", "item-000", "order", 98.0) for n in range(4)],
    *[(f"c{n}", "item-001", "order", 80.0) for n in range(6)],
    *[(f"c{n}", "item-003", "order", 97.0) for n in range(2)],
    ("fan", "item-004", "order", 60.0),
    ("fan", "item-005", "view", 99.0),
]


def proposed(said: Proposals) -> dict[int, set[int]]:
    rows: dict[int, set[int]] = {}
    for key in said.keys[said.chosen].tolist():
        rows.setdefault(key // 6, set()).add(key % 6)
    return rows


def retriever(**parameters: int) -> Retriever:
    return Retriever.fit(interactions(ROWS, ITEMS), ITEMS, 100 * DAY, 2, RecommendParameters(**parameters))


def test_the_last_week_comes_before_the_last_month_and_the_rest() -> None:
    popularity = retriever().popularity
    assert popularity.top(6, EVERYTHING).tolist() == [0, 3, 1, 4, 5, 2]
    assert popularity.top(2, np.array([False, True, True, False, True, True])).tolist() == [1, 4]
    assert popularity.top_of_category(ITEMS.categories.index("tea"), 2, EVERYTHING).tolist() == [0, 1]


def test_a_shopper_is_offered_what_is_popular_in_their_categories() -> None:
    fitted = retriever(candidates_popular=1, candidates_per_category=1)
    histories = interactions(ROWS, ITEMS)
    fan = histories.customers.index("fan")
    said = fitted.sources[Popularity.name].candidates(histories.shoppers(np.array([fan]), 100 * DAY), EVERYTHING)
    assert proposed(said) == {0: {0, 3}}  # the most popular of all, and of mugs


def test_history_proposes_the_shoppers_own_items_that_are_eligible() -> None:
    histories = interactions(ROWS, ITEMS)
    shoppers = histories.shoppers(np.array([histories.customers.index("fan"), 0]), 100 * DAY)
    said = History(RecommendParameters()).candidates(shoppers, np.array([1, 1, 1, 1, 1, 0], bool))
    assert proposed(said) == {0: {4}, 1: {0, 1, 3}}
    one = History(RecommendParameters(candidates_seen=1)).candidates(shoppers, EVERYTHING)
    assert proposed(one)[1] == {0}  # the latest order weighs most; equal weights: the first


def test_candidates_are_the_union_of_the_sources_without_repeats() -> None:
    fitted = retriever()
    shoppers = interactions(ROWS, ITEMS).shoppers(np.arange(7), 100 * DAY)
    candidates = fitted.candidates(shoppers, EVERYTHING)
    union = set().union(*(said.keys[said.chosen].tolist() for said in candidates.proposals.values()))
    assert candidates.keys.tolist() == sorted(union)
    assert (candidates.rows * 6 + candidates.items == candidates.keys).all()
