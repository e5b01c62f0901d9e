"""The seed of a request, and the line that says what was drawn."""

import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest

from recsys.request import MAX_SEED, Answer, Query, Recommendation
from recsys.reranking.policy import Exploration, PlacementPolicy
from serving.answers.exploration import log_drawn, new_answer_id, with_seed

EXPLORING: Any = SimpleNamespace(
    policies={
        "for_you": SimpleNamespace(policy=PlacementPolicy(exploration=Exploration(places=(2,)))),
        "popular": SimpleNamespace(policy=PlacementPolicy()),
    }
)


def test_an_exploring_placement_gets_a_new_seed_each_time() -> None:
    seeds = {with_seed(EXPLORING, Query()).seed for _ in range(9)}
    assert len(seeds) == 9
    assert all(seed is not None and 0 <= seed <= MAX_SEED for seed in seeds)


@pytest.mark.parametrize("query", [Query(seed=7), Query(placement="popular")])
def test_a_seed_of_its_own_or_no_exploration_leaves_the_query_alone(query: Query) -> None:
    assert with_seed(EXPLORING, query) is query


def answer(*propensities: float | None) -> Answer:
    items = (
        Recommendation(f"item-{n}", None, None, None, 1.0, "source", "reason", propensity)
        for n, propensity in enumerate(propensities)
    )
    return Answer(tuple(items), is_known_customer=True, fallbacks=())


def test_only_drawn_items_are_logged_with_position_and_propensity(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "serving.exploration")
    log_drawn(answer(None, 0.2, None, 0.25), "id", "v1")
    assert json.loads(caplog.messages[0]) == {
        "answer_id": "id",
        "placement": "for_you",
        "bundle_version": "v1",
        "items": ["item-1", "item-3"],
        "places": [2, 4],
        "propensities": [0.2, 0.25],
    }
    caplog.clear()
    log_drawn(answer(None, None), "id", "v1")
    assert caplog.messages == []


def test_answer_ids_do_not_repeat() -> None:
    assert len({new_answer_id() for _ in range(100)}) == 100
