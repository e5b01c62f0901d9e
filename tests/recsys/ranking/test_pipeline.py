"""The pipeline from a user to described candidates."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.ranking.pipeline import CandidatePipeline
from tests.recsys.stores import ORDER, VIEW, all_items, checkerboard, item_ids, pipeline, user

USERS = (
    user([]),
    user([(2, ORDER, 9.0), (4, VIEW, 1.0)]),
    user([], session=[(1, VIEW), (3, VIEW)]),
    user([(2, ORDER, 9.0)], session=[(1, VIEW)]),
)
everyone = pytest.mark.parametrize("user", USERS)


def fitted(**parameters: int) -> CandidatePipeline:
    return pipeline(checkerboard(), Items.of(item_ids(40)), 60, RecommendParameters(**parameters))


@everyone
def test_every_candidate_has_every_feature(user: UserHistory) -> None:
    found = fitted()
    candidates = found.candidates(user, all_items(found.retriever))
    assert candidates.features.shape == (len(candidates.items), len(found.features.names))
    assert np.isfinite(candidates.features).all()


def test_names_of_features_are_distinct_and_in_place() -> None:
    found = fitted()
    assert len(set(found.features.names)) == len(found.features.names)
    candidates = found.candidates(user([(2, ORDER, 9.0)]), all_items(found.retriever))
    row = candidates.items.tolist().index(2)
    assert candidates.features[row, found.features.place["order_count"]] == 1
    assert candidates.features[row, found.features.place["shopper_orders"]] == 1


@everyone
def test_pre_ranking_limits_the_candidates_to_the_best(user: UserHistory) -> None:
    whole = fitted()
    few = whole.with_pre_ranker(whole.pre_ranker.weights, 5)
    every, best = (one.candidates(user, all_items(whole.retriever)) for one in (whole, few))
    assert len(every.items) > 5 == len(best.items)
    place = whole.features.place["pre_ranking_score"]
    scores = dict(zip(every.items.tolist(), every.features[:, place].tolist(), strict=True))
    kept = dict(zip(best.items.tolist(), best.features[:, place].tolist(), strict=True))
    assert kept.items() <= scores.items()
    assert sorted(kept.values()) == sorted(scores.values())[-5:]


@everyone
def test_a_pipeline_survives_its_arrays(user: UserHistory) -> None:
    found = fitted()
    weights = np.arange(2 * len(found.retriever.columns), dtype=np.float32).reshape(2, -1)
    found = found.with_pre_ranker(weights, 150)
    read = CandidatePipeline.from_arrays(found.to_arrays(), found.retriever.parameters, found.retriever.now)
    mine, theirs = (one.candidates(user, all_items(one.retriever)) for one in (found, read))
    np.testing.assert_array_equal(mine.items, theirs.items)
    np.testing.assert_array_equal(mine.features, theirs.features)
