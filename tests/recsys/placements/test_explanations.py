"""Reasons of items: the shopper's own action, a seed item, or the source that selected them."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from recsys.placements.explanations import NO_REASON, SOURCE_REASONS, Reason, explain, similar_reasons
from recsys.placements.request_context import RequestContext
from recsys.ranking.features import Candidates
from recsys.recommender import Recommender
from recsys.request import Query
from recsys.retrieval.retriever import SOURCES
from tests.recsys.stores import VIEW, all_items, checkerboard_recommender, user

VIEWED, SHOWN = 2, 6


@cache
def shop() -> Recommender:
    return checkerboard_recommender()


def context(item: int = -1) -> RequestContext:
    retriever = shop().retriever
    asked = user([], session=[(VIEWED, VIEW)], cutoff=len(retriever.log.ends))
    cart = np.zeros(0, np.int64)
    everything, pipeline = all_items(retriever), shop().pipeline
    return RequestContext(Query(), asked, item, cart, everything, shop().as_of, pipeline, shop().rankers)


def bit_of(source: str) -> int:
    """A bit by which the source selects."""
    retriever = shop().retriever
    bits = np.left_shift(1, np.arange(40))
    return int(bits[retriever.is_from(source, bits)][0])


def candidates(*sources: str) -> Candidates:
    """One candidate that the sources selected and that has no share in any relation."""
    bits = np.array([sum(bit_of(source) for source in sources)])
    features = np.zeros((1, len(shop().pipeline.features.names)), np.float32)
    return Candidates(np.array([SHOWN], np.int32), bits, features)


def reason(found: Candidates) -> Reason:
    return explain(context(), found, [SHOWN])[0]


WORDS = {
    "visits": "others went on to this after Item 2",
    "vectors": "goes with Item 2",
    "content": "similar to what you looked at",
    "customers": "chosen by customers with a similar taste",
    "factors": "chosen by customers with a similar taste",
}


@pytest.mark.parametrize("source", SOURCE_REASONS)
def test_a_source_that_selected_alone_is_the_reason(source: str) -> None:
    assert reason(candidates(source)) == Reason(source, WORDS[source])


def test_every_reason_belongs_to_a_source() -> None:
    assert set(SOURCE_REASONS) <= {source.name for source in SOURCES}


def test_the_first_of_several_sources_in_the_table_is_the_reason() -> None:
    order = list(SOURCE_REASONS)
    for place, source in enumerate(order):
        assert reason(candidates(*reversed(order[place:]))).source == source


def test_an_item_that_is_only_popular_is_called_popular() -> None:
    assert reason(candidates("popular")) == NO_REASON


def test_an_item_that_is_no_candidate_has_no_source() -> None:
    other = replace(candidates("visits"), items=np.array([8], np.int32))
    assert reason(other) == NO_REASON


def test_a_relation_with_a_seed_item_precedes_the_sources() -> None:
    found = candidates("visits")
    place = shop().pipeline.features.place["viewed_together_session_max_normalised"]
    for share, source in ((0.5, "viewed_together"), (0.01, "visits")):  # a small share is no reason
        features = found.features.copy()
        features[0, place] = share
        assert reason(replace(found, features=features)).source == source


def test_the_shoppers_own_action_comes_first() -> None:
    own = replace(candidates("visits", "vectors"), items=np.array([VIEWED], np.int32))
    assert explain(context(), own, [VIEWED]) == [Reason("history", "you viewed this before")]


def test_an_item_like_the_open_one_is_similar_to_it_and_any_other_popular() -> None:
    alike, other = similar_reasons(context(VIEWED), [VIEWED], {}, [7], [7, 9])
    assert alike == Reason("content", "similar to Item 2")
    assert other == Reason("popular", "popular this week")


def test_a_relation_precedes_likeness() -> None:
    weights = {"bought_together": 1.0}
    (found,) = similar_reasons(context(VIEWED), [VIEWED], weights, [SHOWN], [SHOWN])
    assert found.source == "bought_together"


def test_real_answers_name_their_sources() -> None:
    answer = shop().recommend(Query("customer-000", k=40))
    assert all(item.source and item.reason for item in answer.items)
    assert len({item.source for item in answer.items}) > 1
