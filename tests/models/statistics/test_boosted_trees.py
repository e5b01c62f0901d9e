"""Trees in text form predict as the booster that grew them, and their contributions add up."""

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest

from models.statistics.boosted_trees import BoostedTrees

FEATURES = np.random.default_rng(0).normal(size=(300, 3))


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    outcome = (FEATURES[:, 0] > 0).astype(float)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1, "seed": 1}
    return lgb.train(settings, lgb.Dataset(FEATURES, outcome), 5)


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
