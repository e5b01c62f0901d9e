"""The uplift model on experiments with a known effect, and on those without one."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from contracts.errors import BundleRefused, InputError
from models.protocol import FitContext
from models.uplift.experiment import ExperimentData
from models.uplift.meta_learners import LEARNERS, RESPONSE_MODEL, SCORES
from models.uplift.model import CrossFit, UpliftModel, UpliftParameters, choose, cross_fit
from models.uplift.qini import qini
from tests.models.uplift.worlds import persuadables, proportional, sloped, unmoved

PARAMETERS = UpliftParameters(trees=30, learning_rate=0.06, folds=3)
SEEDS = range(8)
# The test against noise lets a learner through in one of twelve worlds without an effect: more than three of eight are
# as rare as one in five hundred.
MOST_BY_CHANCE = 3


def fitted(experiment: ExperimentData, seed: int = 1) -> UpliftModel:
    return UpliftModel.fit(experiment, PARAMETERS, FitContext(seed=seed))


@pytest.fixture(scope="module")
def moved() -> ExperimentData:
    return persuadables(12_000)[0]


@pytest.fixture(scope="module")
def model(moved: ExperimentData) -> UpliftModel:
    return fitted(moved)


@pytest.fixture(scope="module")
def still() -> tuple[ExperimentData, CrossFit]:
    """No effect, and the scores of every method."""
    experiment = unmoved(3000)
    return experiment, cross_fit(experiment, experiment.folds(3, 1), PARAMETERS, FitContext(seed=1))


def test_the_persuadable_are_found_among_unseen_customers(model: UpliftModel) -> None:
    fresh, planted = persuadables(seed=11)
    assert model.choice.method in LEARNERS
    assert spearmanr(model.score(fresh.features), planted).statistic > 0.8
    uplift = model.predict(fresh.features).uplift
    # A line through the score shrinks both towards the mean, by .03 on average.
    assert uplift[planted > 0].mean() == pytest.approx(0.17, abs=0.05)
    assert uplift[planted == 0].mean() == pytest.approx(0.03, abs=0.05)


@pytest.mark.slow
def test_the_interval_covers_the_mean_uplift_of_customers_with_similar_scores() -> None:
    """Whatever is chosen, also the response model. Over 24 seeds .93 were covered; the mean of eight varies by .05."""
    covered, widths = [], []
    for seed in SEEDS:
        fresh, planted = sloped(2000, seed=100 + seed)
        model = fitted(sloped(4000, seed=seed)[0], seed)
        predicted = model.predict(fresh.features)
        widths.append(np.mean(predicted.high - predicted.low))
        for rows in np.array_split(np.argsort(predicted.uplift), 10):
            covered.append(predicted.low[rows].mean() <= planted[rows].mean() <= predicted.high[rows].mean())
    assert np.mean(covered) > 0.8
    assert np.mean(widths) < 0.14


def test_every_learner_beats_the_response_model_where_orders_mislead(model: UpliftModel) -> None:
    values = model.choice.qini
    assert min(values[learner] for learner in LEARNERS) > values[RESPONSE_MODEL]


def test_without_an_effect_the_choice_is_the_response_model() -> None:
    models = [fitted(unmoved(2000, seed), seed) for seed in SEEDS]
    kept = [model for model in models if model.choice.method == RESPONSE_MODEL]
    assert len(models) - len(kept) <= MOST_BY_CHANCE
    assert all("beyond noise" in model.choice.reason for model in kept)
    predicted = [model.predict(unmoved(1000, seed=9).features) for model in models]
    assert np.mean([(one.low < 0) & (one.high > 0) for one in predicted]) > 0.7


@pytest.mark.slow
def test_shuffled_arms_teach_nothing() -> None:
    chosen, values = [], []
    for seed in SEEDS:
        experiment = persuadables(2000, seed)[0]
        arms = np.random.default_rng(seed).permutation(experiment.treated)
        choice = fitted(replace(experiment, treated=arms), seed).choice
        chosen.append(choice.method in LEARNERS)
        values.append([choice.qini[learner] for learner in LEARNERS])
    assert sum(chosen) <= MOST_BY_CHANCE
    # Of persuadables as they are, the learners' Qini is above .1.
    assert abs(np.mean(values)) < 0.05


def test_where_the_effect_is_proportional_to_the_response_the_response_model_is_not_beaten() -> None:
    assert fitted(proportional()).choice.method == RESPONSE_MODEL


def test_the_best_qini_alone_would_choose_a_learner_on_noise(still: tuple[ExperimentData, CrossFit]) -> None:
    """The control of the choice: without its test against noise, it takes learners where there is no effect."""
    experiment, crossed = still
    arms = [np.random.default_rng(seed).permutation(experiment.treated) for seed in SEEDS]
    choices = [choose(replace(experiment, treated=arm), crossed.ranks, PARAMETERS, 1) for arm in arms]
    best = [max(choice.qini, key=choice.qini.__getitem__) for choice in choices]
    assert sum(name in LEARNERS for name in best) > MOST_BY_CHANCE
    assert sum(choice.method in LEARNERS for choice in choices) <= MOST_BY_CHANCE


def test_ranks_are_within_the_fold(still: tuple[ExperimentData, CrossFit]) -> None:
    experiment, crossed = still
    folds = experiment.folds(3, 1)
    assert crossed.ranks.keys() == SCORES.keys()
    for ranks in crossed.ranks.values():
        assert all(0 < ranks[folds == number].min() <= ranks[folds == number].max() <= 1 for number in range(3))
    assert abs(qini(experiment.outcome, experiment.treated, crossed.ranks["s"]) or 0) < 0.05


def test_a_small_control_arm_is_enough_for_a_large_effect() -> None:
    experiment, _ = persuadables(customers=6000, treated_share=0.9)
    fresh, planted = persuadables(seed=13)
    assert spearmanr(fitted(experiment).score(fresh.features), planted).statistic > 0.5


def test_write_and_read(model: UpliftModel, tmp_path: Path) -> None:
    model.write(tmp_path, {"campaigns": 1})
    assert {path.suffix for path in tmp_path.iterdir()} == {".txt", ".json"}
    again, features = UpliftModel.read(tmp_path), persuadables(300, seed=14)[0].features
    for values, copied in zip(
        vars(model.predict(features)).values(), vars(again.predict(features)).values(), strict=True
    ):
        assert np.array_equal(values, copied)
    assert again.choice == model.choice


def test_a_model_of_other_features_is_refused(model: UpliftModel, tmp_path: Path) -> None:
    model.write(tmp_path, {})
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"features": ["other"]}))
    with pytest.raises(BundleRefused, match="other features"):
        UpliftModel.read(tmp_path)


def test_the_same_seed_gives_the_same_model() -> None:
    experiment = persuadables(1500)[0]
    first, again, other = (fitted(experiment, seed).score(experiment.features[:100]) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("wrong", [{"outcome_days": 0}, {"folds": 1}, {"most_chance": 0.7}])
def test_parameters_out_of_bounds_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(wrong))):
        UpliftParameters(**wrong)  # type: ignore[arg-type]
