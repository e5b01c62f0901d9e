"""The seed of a request, and the line that says what was drawn."""

import json
import logging
from types import SimpleNamespace
from typing import Any, Final

import pytest

from recsys.request import MAX_SEED, Answer, Query, Recommendation
from recsys.reranking.policy import Exploration, PlacementPolicy
from serving.answers.exploration import recommend_exploring


class FakeRecommender:
    """Answers every query with the same items, and keeps the queries."""

    policies: Final = {
        "for_you": SimpleNamespace(policy=PlacementPolicy(exploration=Exploration(places=(2,)))),
        "popular": SimpleNamespace(policy=PlacementPolicy()),
    }

    def __init__(self, *propensities: float | None) -> None:
        self.asked: list[Query] = []
        self._items = tuple(
            Recommendation(f"item-{n}", None, None, None, 1.0, "source", "reason", propensity)
            for n, propensity in enumerate(propensities)
        )

    def recommend(self, query: Query) -> Answer:
        self.asked.append(query)
        return Answer(self._items, is_known_customer=True, fallbacks=())


def recommend(recommender: Any, query: Query = Query()) -> str:
    """The answer's id."""
    return recommend_exploring(recommender, query, "v1")[0]


def test_an_exploring_placement_gets_a_new_seed_each_time_and_each_answer_an_id() -> None:
    recommender = FakeRecommender()
    ids = {recommend(recommender) for _ in range(9)}
    seeds = {query.seed for query in recommender.asked}
    assert len(ids) == len(seeds) == 9
    assert all(seed is not None and 0 <= seed <= MAX_SEED for seed in seeds)


@pytest.mark.parametrize("query", [Query(seed=7), Query(placement="popular")])
def test_a_seed_of_its_own_or_no_exploration_leaves_the_query_alone(query: Query) -> None:
    recommender = FakeRecommender()
    recommend(recommender, query)
    assert recommender.asked == [query]


def test_only_drawn_items_are_logged_with_position_and_propensity(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "serving.exploration")
    answer_id = recommend(FakeRecommender(None, 0.2, None, 0.25))
    assert json.loads(caplog.messages[0]) == {
        "answer_id": answer_id,
        "placement": "for_you",
        "bundle_version": "v1",
        "items": ["item-1", "item-3"],
        "places": [2, 4],
        "propensities": [0.2, 0.25],
    }
    caplog.clear()
    recommend(FakeRecommender(None, None))
    assert caplog.messages == []
