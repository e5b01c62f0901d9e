"""Learners of uplift on campaigns whose answer is known, and on those where there is none."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from models.uplift.meta_learners import LEARNERS, RESPONSE, SCORES, Trial
from models.uplift.model import UpliftModel, UpliftParameters, choose, cross_fit, deal_folds
from models.uplift.qini import qini
from tests.models.uplift.worlds import persuadables, proportional, sloped, unmoved

PARAMETERS = UpliftParameters(trees=60, learning_rate=0.06, folds=3)


def fitted(trial: Trial, seed: int = 1) -> UpliftModel:
    return UpliftModel.fit(trial, deal_folds(trial, PARAMETERS.folds, seed), PARAMETERS, seed)


@pytest.fixture(scope="module")
def moved() -> tuple[Trial, np.ndarray]:
    return persuadables()


@pytest.fixture(scope="module")
def model(moved: tuple[Trial, np.ndarray]) -> UpliftModel:
    return fitted(moved[0])


def test_the_persuadable_are_found_among_unseen_customers(model: UpliftModel) -> None:
    fresh, planted = persuadables(seed=11)
    assert model.choice.chosen in LEARNERS
    assert spearmanr(model.score(fresh.features), planted).statistic > 0.8
    uplift, _, _ = model.uplift(fresh.features)
    assert uplift[planted > 0].mean() == pytest.approx(0.2, abs=0.04)
    assert uplift[planted == 0].mean() == pytest.approx(0, abs=0.04)


def test_the_interval_covers_the_mean_uplift_of_customers_alike_in_score() -> None:
    covered, widths = [], []
    for seed in (0, 2, 3):
        trial, _ = sloped(8000, seed=seed)
        fresh, planted = sloped(2000, seed=100 + seed)
        model = fitted(trial, seed)
        assert model.choice.chosen in LEARNERS
        uplift, low, high = model.uplift(fresh.features)
        widths.append(np.mean(high - low))
        for alike in np.array_split(np.argsort(uplift), 10):
            covered.append(low[alike].mean() <= planted[alike].mean() <= high[alike].mean())
    assert np.mean(covered) > 0.7
    assert np.mean(widths) < 0.12


def test_every_learner_beats_response_only_where_orders_mislead(moved: tuple[Trial, np.ndarray]) -> None:
    trial, _ = moved
    crossed = cross_fit(trial, deal_folds(trial, 3, 1), PARAMETERS, 1)
    values = {method: qini(trial.outcome, trial.treated, crossed.ranks[method]) or 0 for method in SCORES}
    assert min(values[learner] for learner in LEARNERS) > values[RESPONSE] + 0.02


def test_where_contacting_changes_nobody_the_answer_is_response() -> None:
    model = fitted(unmoved())
    assert model.choice.chosen == RESPONSE
    assert "beyond noise" in model.choice.words
    uplift, low, high = model.uplift(unmoved(seed=9).features)
    assert abs(uplift).max() < 0.03
    assert np.mean((low < 0) & (high > 0)) > 0.7


def test_shuffled_arms_teach_nothing(moved: tuple[Trial, np.ndarray]) -> None:
    trial, _ = moved
    shuffled = np.random.default_rng(5).permutation(trial.treated)
    model = fitted(Trial(trial.features, shuffled, trial.outcome, trial.weight))
    assert model.choice.chosen == RESPONSE
    assert max(abs(model.choice.qini[learner]) for learner in LEARNERS) < 0.05


def test_where_who_orders_is_who_is_changed_response_only_is_not_beaten() -> None:
    assert fitted(proportional()).choice.chosen == RESPONSE


def test_the_wrong_rule_would_choose_a_learner_on_noise() -> None:
    """The control of the choice: taking the best cross-fitted figure, noise or not, picks learners for nothing."""
    trial = unmoved()
    crossed = cross_fit(trial, deal_folds(trial, 3, 1), PARAMETERS, 1)
    picked = [choose(_with_noise(trial, seed), crossed.ranks, PARAMETERS, seed) for seed in range(12)]
    best = [max(choice.qini, key=choice.qini.__getitem__) for choice in picked]
    assert sum(name in LEARNERS for name in best) > 4
    assert sum(choice.chosen in LEARNERS for choice in picked) <= 3


def _with_noise(trial: Trial, seed: int) -> Trial:
    arms = np.random.default_rng(seed).permutation(trial.treated)
    return Trial(trial.features, arms, trial.outcome, trial.weight)


def test_a_small_holdout_is_enough_for_a_large_effect() -> None:
    trial, _ = persuadables(customers=8000, contacted=0.9)
    fresh, planted = persuadables(seed=13)
    assert spearmanr(fitted(trial).score(fresh.features), planted).statistic > 0.5


def test_what_is_read_is_what_was_written(model: UpliftModel, tmp_path: Path) -> None:
    model.write(tmp_path, {"campaigns": 1})
    assert {path.suffix for path in tmp_path.iterdir()} == {".txt", ".json"}
    again, features = UpliftModel.read(tmp_path), persuadables(300, seed=14)[0].features
    assert np.array_equal(again.uplift(features), model.uplift(features))
    assert np.array_equal(again.orders_anyway(features), model.orders_anyway(features))
    assert again.choice == model.choice


def test_the_same_seed_gives_the_same_model(moved: tuple[Trial, np.ndarray], model: UpliftModel) -> None:
    trial = moved[0]
    assert np.array_equal(fitted(trial).score(trial.features[:100]), model.score(trial.features[:100]))
    assert not np.array_equal(fitted(trial, seed=2).score(trial.features[:100]), model.score(trial.features[:100]))


def test_folds_hold_their_share_of_arms_and_orders() -> None:
    trial = unmoved(1000)
    folds = deal_folds(trial, 5, 3)
    assert set(np.bincount(folds)) == {200}
    for values in (trial.treated, trial.outcome):
        shares = [values[folds == number].mean() for number in range(5)]
        assert max(shares) - min(shares) < 0.011


@pytest.mark.parametrize("wrong", [{"outcome_days": 0}, {"folds": 1}, {"most_chance": 0.7}])
def test_parameters_that_cannot_be_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        UpliftParameters(**wrong)  # type: ignore[arg-type]
