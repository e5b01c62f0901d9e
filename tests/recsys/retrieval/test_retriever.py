"""Retrieval: the union of what every source nominates, whichever sources there are."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.user_history import Shopper
from recsys.parameters import RecommendParameters
from recsys.retrieval.retriever import Retriever
from tests.recsys.stores import ORDER, VIEW, checkerboard, item_ids, retriever, shopper

ITEMS = Items.of(item_ids(40))
SHOPPERS = (
    shopper([]),
    shopper([(2, ORDER, 9.0), (4, VIEW, 1.0)]),
    shopper([], visit=[(1, VIEW), (3, VIEW)]),
    shopper([(2, ORDER, 9.0)], visit=[(1, VIEW)]),
)
everyone = pytest.mark.parametrize("asked", SHOPPERS)


def fitted(**parameters: int) -> Retriever:
    return retriever(checkerboard(), ITEMS, 60, RecommendParameters(**parameters))


@everyone
def test_every_candidate_is_nominated_by_some_source_and_none_twice(asked: Shopper) -> None:
    found = fitted()
    candidates = found.candidates(asked, found.everything)
    assert len(candidates.items) == len(set(candidates.items.tolist())) > 0
    nominated = np.column_stack([found.nominated_by(source, candidates) for source in found.sources])
    assert nominated.any(axis=1).all()
    assert candidates.features.shape == (len(candidates.items), len(found.features))
    assert np.isfinite(candidates.features).all()


@everyone
def test_what_may_not_be_shown_is_no_candidate(asked: Shopper) -> None:
    found = fitted()
    eligible = np.arange(40) % 3 == 0
    candidates = found.candidates(asked, eligible)
    assert len(candidates.items)
    assert eligible[candidates.items].all()
    assert not eligible[found.candidates(asked, found.everything).items].all()


@everyone
def test_the_same_shopper_is_answered_alike_whoever_asked_before(asked: Shopper) -> None:
    found = fitted()
    before = found.candidates(asked, found.everything)
    for other in SHOPPERS:
        found.candidates(other, found.everything)
    after = found.candidates(asked, found.everything)
    np.testing.assert_array_equal(before.items, after.items)
    np.testing.assert_array_equal(before.features, after.features)


def test_history_nominates_the_shoppers_own_items() -> None:
    found = fitted()
    candidates = found.candidates(shopper([(2, ORDER, 9.0), (4, VIEW, 1.0)]), found.everything)
    assert set(candidates.items[found.nominated_by("history", candidates)].tolist()) == {2, 4}


def test_a_source_nominates_no_more_than_its_limits_allow() -> None:
    found = fitted(candidates_per_relation=3)
    candidates = found.candidates(shopper([(2, ORDER, 9.0)]), found.everything)
    assert found.nominated_by("bought_together", candidates).sum() == 3


def test_names_of_features_are_distinct_and_in_place() -> None:
    found = fitted()
    assert len(set(found.features)) == len(found.features)
    candidates = found.candidates(shopper([(2, ORDER, 9.0)]), found.everything)
    row = candidates.items.tolist().index(2)
    assert candidates.features[row, found.feature_place["order_count"]] == 1
    assert candidates.features[row, found.feature_place["shopper_orders"]] == 1


@everyone
def test_a_retriever_survives_its_arrays(asked: Shopper) -> None:
    found = fitted()
    read = Retriever.from_arrays(found.to_arrays(), found.parameters, found.now)
    assert read.features == found.features
    mine, theirs = (one.candidates(asked, one.everything) for one in (found, read))
    np.testing.assert_array_equal(mine.items, theirs.items)
    np.testing.assert_array_equal(mine.features, theirs.features)
