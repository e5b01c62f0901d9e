import numpy as np
import pytest

from contracts.errors import BundleRefused
from recsys.parameters import RecommendParameters
from recsys.ranking.ranker import BLEND, Ranker, TrainingGroups, train_ranker

FEATURES = (*BLEND, "week", "month")
FEW = RecommendParameters(trees=10, least_rows_per_leaf=5)


def groups(cases: int = 60, size: int = 10, seed: int = 0) -> TrainingGroups:
    """Of each case's candidates the one with most of the first feature is chosen."""
    features = np.random.default_rng(seed).random((cases * size, len(FEATURES))).astype(np.float32)
    first = features[:, 0].reshape(cases, size)
    labels = (first == first.max(axis=1, keepdims=True)).ravel().astype(np.int8)
    return TrainingGroups(features, labels, np.full(cases, size))


def test_a_trained_ranker_puts_the_chosen_ones_first() -> None:
    ranker = train_ranker(groups(), FEATURES, FEW, seed=1, threads=1)
    test = groups(seed=9)
    best = ranker.scores(test.features).reshape(60, 10).argmax(axis=1)
    assert (test.labels.reshape(60, 10).argmax(axis=1) == best).mean() > 0.5  # by chance: 0.1
    assert ranker.name == "lambdamart"


def test_the_same_groups_and_seed_give_the_same_ranker() -> None:
    first, same, other = (train_ranker(groups(), FEATURES, FEW, seed, threads=1).text for seed in (1, 1, 2))
    assert first == same != other


def test_a_ranker_of_other_features_is_refused() -> None:
    text = train_ranker(groups(), FEATURES, FEW, seed=1, threads=1).text
    assert Ranker(FEATURES, text).scores(groups().features).shape == (600,)
    with pytest.raises(BundleRefused, match="other features"):
        Ranker((*FEATURES[:-1], "moon_phase"), text)


def test_the_blend_prefers_what_each_of_its_features_speaks_for() -> None:
    blend = Ranker(FEATURES)
    assert blend.name == "blend"
    nothing = np.zeros((1, len(FEATURES)), np.float32)
    for place in range(len(FEATURES)):
        speaking = nothing.copy()
        speaking[0, place] = 1.0
        assert np.argmax(blend.scores(np.concatenate([nothing, speaking]))) == 1


def test_no_candidates_have_no_scores() -> None:
    assert Ranker(FEATURES).scores(np.zeros((0, len(FEATURES)), np.float32)).shape == (0,)


def test_groups_of_several_windows_are_joined_without_the_empty_ones() -> None:
    empty = TrainingGroups(np.zeros((0, len(FEATURES)), np.float32), np.zeros(0, np.int8), np.zeros(0, np.int64))
    joined = TrainingGroups.joined([empty, groups(3), empty, groups(2)])
    assert joined.sizes.tolist() == [10] * 5
    assert len(joined.features) == len(joined.labels) == 50
    assert len(TrainingGroups.joined([empty, empty]).sizes) == 0
