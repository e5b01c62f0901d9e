"""The churn model: finds a planted rule, finds nothing in noise, is additive, monotone, and survives files."""

from pathlib import Path

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.churn.model import ChurnCases, ChurnModel, ChurnParameters
from models.customers.features import MODEL_FEATURES

NAMES = list(MODEL_FEATURES)
ORDER_DAYS = NAMES.index("order_days")
PARAMETERS = ChurnParameters(trees=60)

Labelled = tuple[np.ndarray, np.ndarray]


def world(cases: int, seed: int) -> Labelled:
    """Customers leave where they have been silent for longer than their own gap; half of them ordered only once."""
    chance = np.random.default_rng(seed)
    features = chance.exponential(10, (cases, len(NAMES)))
    ratio = chance.exponential(1, cases)
    outcome = (chance.random(cases) < np.where(ratio > 1, 0.85, 0.15)).astype(np.int8)
    features[:, NAMES.index("gap_ratio")] = np.where(chance.random(cases) < 0.5, ratio, np.nan)
    features[:, NAMES.index("recency_days")] = ratio * 30 * chance.uniform(0.7, 1.3, cases)
    return features, outcome


def fitted(training: Labelled, later: Labelled) -> ChurnModel:
    return ChurnModel.fit(ChurnCases.stacked([later, training]), 1, PARAMETERS, seed=1, threads=1)


@pytest.fixture(scope="module")
def model() -> ChurnModel:
    return fitted(world(2000, seed=0), world(1000, seed=1))


def test_a_planted_rule_is_found(model: ChurnModel) -> None:
    features, outcome = world(2000, seed=2)
    assert roc_auc_score(outcome, model.risk(features)) > 0.75


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_shuffled_outcomes_teach_nothing(seed: int) -> None:
    chance = np.random.default_rng(seed)
    training, later, test = (
        (features, chance.permutation(outcome))
        for features, outcome in (world(2000, seed=0), world(1000, seed=1), world(30_000, seed=2))
    )
    nonsense = fitted(training, later)
    assert abs(roc_auc_score(test[1], nonsense.risk(test[0])) - 0.5) < 0.02
    assert np.abs(nonsense.risk(test[0]) - 0.5).mean() < 0.1
    # The control: had the test rows been among the training rows, this test would have noticed.
    trees_alone = lgb.Booster(model_str=nonsense.trees).predict(training[0])
    assert roc_auc_score(training[1], trees_alone) > 0.55


def test_longer_silence_never_lowers_the_trees_risk(model: ChurnModel) -> None:
    features = np.repeat(world(1, seed=3)[0], 50, axis=0)
    features[:, NAMES.index("recency_days")] = np.linspace(0, 200, 50)
    assert (np.diff(model.risk(features)) >= -1e-12).all()


def test_contributions_rank_like_the_risk_and_name_the_rule(model: ChurnModel) -> None:
    features, _ = world(500, seed=4)
    contributions = model.contributions(features)
    assert contributions.shape == features.shape
    for group in (features[:, ORDER_DAYS] <= 1, features[:, ORDER_DAYS] > 1):
        order = np.argsort(contributions[group].sum(axis=1))
        assert (np.diff(model.risk(features[group])[order]) >= 0).all()
    weightiest = np.abs(contributions).mean(axis=0).argsort()[::-1][:2]
    assert {NAMES[n] for n in weightiest} == {"recency_days", "gap_ratio"}


def test_the_interval_is_wide_on_little_data_and_sharp_on_much() -> None:
    widths = {}
    for cases in (60, 6000):
        _, low, high = fitted(world(cases, seed=0), world(cases, seed=1)).risk_with_interval(world(500, seed=2)[0])
        widths[cases] = float((high - low).mean())
    assert widths[60] > 1.5 * widths[6000]
    assert widths[6000] < 0.15


def test_round_trip_through_files_without_pickle(model: ChurnModel, tmp_path: Path) -> None:
    model.write(tmp_path, {"horizon_days": 30})
    assert {path.name for path in tmp_path.iterdir()} == {"model.txt", "calibration.json", "parameters.json"}
    again = ChurnModel.read(tmp_path)
    features, _ = world(500, seed=5)
    assert np.array_equal(again.risk(features), model.risk(features))
    assert np.array_equal(again.contributions(features), model.contributions(features))


def test_the_same_seed_gives_the_same_model(model: ChurnModel) -> None:
    assert fitted(world(2000, seed=0), world(1000, seed=1)).trees == model.trees


def test_nobody_to_score(model: ChurnModel) -> None:
    nobody = np.empty((0, len(NAMES)))
    assert model.risk(nobody).shape == (0,)
    assert model.contributions(nobody).shape == nobody.shape


@pytest.mark.parametrize("wrong", [{"horizon_days": 0}, {"horizon_quantile": 1.0}, {"snapshots": 0}])
def test_impossible_parameters_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ChurnParameters(**wrong)  # type: ignore[arg-type]
