"""The same rows and seed give the same trees on any number of threads; stored trees predict as the booster did."""

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from models.statistics.gradient_boosting import BoostedTrees, settings

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.random((400, 3))
TARGET = FEATURES[:, 0] + RANDOM.normal(0, 0.1, 400)


def grown(seed: int, threads: int = 1) -> str:
    """The fitted trees, without the parameters that the text repeats."""
    parameters = settings(objective="regression", seed=seed, threads=threads, bagging_fraction=0.5, bagging_freq=1)
    text: str = lgb.train(parameters, lgb.Dataset(FEATURES, TARGET), 4).model_to_string()
    return text.partition("parameters:")[0]


def test_the_same_seed_gives_the_same_trees_on_any_number_of_threads() -> None:
    assert grown(seed=1) == grown(seed=1, threads=2)
    assert grown(seed=1) != grown(seed=2)  # the control: the seed matters


def test_differences_reach_lightgbm_and_cannot_undo_reproducibility() -> None:
    found = settings(objective="binary", seed=3, threads=2, num_leaves=5, deterministic=False)
    assert found["objective"] == "binary"
    assert (found["seed"], found["num_threads"], found["num_leaves"]) == (3, 2, 5)
    assert found["deterministic"] is found["force_row_wise"] is True


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    outcome = (FEATURES[:, 0] > 0.5).astype(float)
    return lgb.train(settings(objective="binary", seed=1, threads=1), lgb.Dataset(FEATURES, outcome), 5)


def test_the_text_scores_as_the_booster_does_to_the_last_digit(booster: lgb.Booster, tmp_path: Path) -> None:
    BoostedTrees.of(booster).write(tmp_path / "trees.txt")
    score = BoostedTrees.read(tmp_path / "trees.txt").score(FEATURES)
    assert np.array_equal(score, np.asarray(booster.predict(FEATURES, raw_score=True)))


def test_contributions_differ_from_the_score_by_a_constant_and_name_the_feature(booster: lgb.Booster) -> None:
    trees = BoostedTrees.of(booster)
    contributions = trees.contributions(FEATURES)
    assert contributions.shape == FEATURES.shape
    assert np.ptp(trees.score(FEATURES) - contributions.sum(axis=1)) < 1e-9
    assert np.abs(contributions).mean(axis=0).argmax() == 0


def test_the_text_is_parsed_once(booster: lgb.Booster, monkeypatch: pytest.MonkeyPatch) -> None:
    trees, parsed = BoostedTrees.of(booster), []
    parse = lgb.Booster
    monkeypatch.setattr(lgb, "Booster", lambda **given: parsed.append(1) or parse(**given))
    for _ in range(3):
        trees.score(FEATURES)
        trees.contributions(FEATURES)
    assert len(parsed) == 1
