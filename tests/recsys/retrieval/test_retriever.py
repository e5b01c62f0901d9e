"""Retrieval: the union of what every source nominates, whichever sources there are."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.retrieval.retriever import Retrieved, Retriever
from tests.recsys.stores import ORDER, VIEW, all_items, checkerboard, item_ids, retriever, user

ITEMS = Items.of(item_ids(40))
SHOPPERS = (
    user([]),
    user([(2, ORDER, 9.0), (4, VIEW, 1.0)]),
    user([], session=[(1, VIEW), (3, VIEW)]),
    user([(2, ORDER, 9.0)], session=[(1, VIEW)]),
)
everyone = pytest.mark.parametrize("asked", SHOPPERS)


def fitted(**parameters: int) -> Retriever:
    return retriever(checkerboard(), ITEMS, 60, RecommendParameters(**parameters))


def retrieved(fitted: Retriever, asked: UserHistory) -> tuple[Retrieved, np.ndarray]:
    """The candidates, and a copy of what the pool holds of them."""
    found = fitted.candidates(asked, all_items(fitted))
    return found, found.pool.scores[:, found.rows]


@everyone
def test_every_candidate_is_nominated_by_some_source_and_none_twice(asked: UserHistory) -> None:
    found = fitted()
    candidates = found.candidates(asked, all_items(found))
    assert len(candidates.items) == len(set(candidates.items.tolist())) > 0
    selected = np.column_stack([found.is_from(source, candidates.selected_by) for source in found.sources])
    assert selected.any(axis=1).all()
    np.testing.assert_array_equal(candidates.pool.items[candidates.rows], candidates.items)


@everyone
def test_what_may_not_be_shown_is_no_candidate(asked: UserHistory) -> None:
    found = fitted()
    eligible = np.arange(40) % 3 == 0
    candidates = found.candidates(asked, eligible)
    assert len(candidates.items)
    assert eligible[candidates.items].all()
    assert not eligible[found.candidates(asked, all_items(found)).items].all()


@everyone
def test_the_same_shopper_is_answered_alike_whoever_asked_before(asked: UserHistory) -> None:
    found = fitted()
    before, scores = retrieved(found, asked)
    for other in SHOPPERS:
        found.candidates(other, all_items(found))
    after, same = retrieved(found, asked)
    np.testing.assert_array_equal(before.items, after.items)
    np.testing.assert_array_equal(scores, same)


def test_history_nominates_the_shoppers_own_items() -> None:
    found = fitted()
    candidates = found.candidates(user([(2, ORDER, 9.0), (4, VIEW, 1.0)]), all_items(found))
    assert set(candidates.items[found.is_from("history", candidates.selected_by)].tolist()) == {2, 4}


def test_a_source_nominates_no_more_than_its_limits_allow() -> None:
    found = fitted(candidates_per_relation=3)
    candidates = found.candidates(user([(2, ORDER, 9.0)]), all_items(found))
    assert found.is_from("bought_together", candidates.selected_by).sum() == 3


@everyone
def test_a_retriever_survives_its_arrays(asked: UserHistory) -> None:
    found = fitted()
    read = Retriever.from_arrays(found.to_arrays(), found.parameters, found.now)
    assert read.columns == found.columns
    (mine, scores), (theirs, same) = (retrieved(one, asked) for one in (found, read))
    np.testing.assert_array_equal(mine.items, theirs.items)
    np.testing.assert_array_equal(scores, same)
