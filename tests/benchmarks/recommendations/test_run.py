"""The metrics of the recommendation benchmarks, reckoned by hand; how a recommender is asked."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.recommendations.run import (
    WARM_UP,
    Trial,
    evaluated,
    from_codes,
    grouped,
    hit,
    item_id,
    ndcg,
    recall,
    reciprocal_rank,
)
from recsys.request import Query

SHOWN = ["d", "a", "c", "x"]
WANTED = {"a", "x", "y"}


def test_recall_hit_and_reciprocal_rank() -> None:
    assert recall(SHOWN, WANTED) == pytest.approx(2 / 3)
    assert reciprocal_rank(SHOWN, WANTED) == pytest.approx(1 / 2)
    assert hit(SHOWN, WANTED) == 1
    for metric in (recall, reciprocal_rank, hit):
        assert metric(SHOWN, {"z"}) == 0


def test_ndcg_compares_with_a_list_of_all_that_is_wanted_or_of_at_most_k() -> None:
    gain = 1 / np.log2(3) + 1 / np.log2(5)
    best_two, best_three = 1 + 1 / np.log2(3), 1 + 1 / np.log2(3) + 1 / np.log2(4)
    assert ndcg(ideal=None)(SHOWN, WANTED) == pytest.approx(gain / best_three)
    assert ndcg(ideal=2)(SHOWN, WANTED) == pytest.approx(gain / best_two)
    assert ndcg(ideal=20)(SHOWN, WANTED) == pytest.approx(gain / best_three)
    assert ndcg(ideal=2)(["a", "x"], {"a", "x"}) == 1
    assert ndcg(ideal=None)(SHOWN, {"z"}) == 0


class Fake:
    """Answers with four items, and selects candidates by two sources."""

    def __init__(self) -> None:
        self.ranker_groups = {"cold_session": 3}
        self.asked: list[Query] = []

    def recommend(self, query: Query) -> Any:
        self.asked.append(query)
        return SimpleNamespace(items=[SimpleNamespace(item_id=item) for item in SHOWN])

    def candidates_by_source(self, query: Query) -> dict[str, list[str]]:
        own = [str(query.customer_id)]
        return {"any": [*own, "a"], "own": own, "popular": ["a"]}


def trial() -> Trial:
    return Trial(cast(Any, Fake()), 1.5)


def test_every_query_is_answered_once_after_a_warm_up_and_cut_at_k() -> None:
    asked = trial()
    queries = [Query(customer_id=str(number)) for number in range(30)]
    line = evaluated(asked, queries, [{"d"}, {"x"}] * 15, 3, {"mrr": reciprocal_rank})
    assert line["mrr"] == 0.5  # x is beyond the third place
    assert (line["cases"], line["fit_seconds"], line["ranker_groups"]) == (30, 1.5, {"cold_session": 3})
    assert cast(Any, asked.recommender).asked == queries[:WARM_UP] + queries


def test_candidate_recall_is_a_share_of_the_targets_and_not_of_the_examples() -> None:
    queries = [Query(customer_id="b"), Query(customer_id="c")]
    line = evaluated(trial(), queries, [{"b"}, {"a", "x", "y"}], 4, {"recall": recall})
    assert line["candidate_recall_by_source"] == {"any": 2 / 4, "own": 1 / 4, "popular": 1 / 4}
    assert line["candidate_recall"] == 0.5
    assert line["recall"] == pytest.approx((0 + 2 / 3) / 2, abs=1e-4)


def test_codes_become_hashed_ids_without_the_order_of_the_file() -> None:
    interactions, items = from_codes(np.array([7, 3, 7]), np.array([1, 2, 2]), 0, np.array([10, 20, 30]))
    assert len(items) == 2
    rows = zip(interactions.rows.tolist(), interactions.items.tolist(), interactions.times.tolist(), strict=True)
    named = {(interactions.customers.value(row), items.ids.value(item), time) for row, item, time in rows}
    assert named == {("7", item_id(1), 10), ("3", item_id(2), 20), ("7", item_id(2), 30)}
    ids = [item_id(number) for number in range(100)]
    assert len(set(ids)) == 100
    assert ids != sorted(ids)


def test_rows_are_grouped_in_order() -> None:
    found = [(row, values.tolist()) for row, values in grouped(np.array([2, 1, 2]), np.array([5, 6, 7]))]
    assert found == [(1, [6]), (2, [5, 7])]
