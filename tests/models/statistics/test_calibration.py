"""Calibration corrects an overconfident score, leaves a calibrated one, and never reverses a ranking."""

import numpy as np
import pytest
from scipy.special import expit

from models.statistics.calibration import (
    PlattCalibration,
    mean_calibration_offset,
)
from models.statistics.probability_metrics import calibration_error


def world(cases: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """True log-odds, and outcomes drawn from them."""
    chance = np.random.default_rng(seed)
    score = chance.normal(0, 1.5, cases)
    return score, (chance.random(cases) < expit(score)).astype(np.int8)


def test_an_overconfident_score_is_corrected() -> None:
    score, outcome = world(4000)
    later, later_outcome = world(4000, seed=1)
    calibration = PlattCalibration.fit(3 * score + 1, outcome)
    before = calibration_error(later_outcome, expit(3 * later + 1))
    after = calibration_error(later_outcome, calibration.probability(3 * later + 1))
    assert before > 0.1
    assert after < 0.03


def test_a_true_score_is_left_as_it_is() -> None:
    score, outcome = world(4000)
    calibration = PlattCalibration.fit(score, outcome)
    assert np.abs(calibration.probability(score) - expit(score)).max() < 0.03


def test_a_score_that_ranks_backwards_becomes_the_mean() -> None:
    score, outcome = world(2000)
    probability = PlattCalibration.fit(-score, outcome).probability(score)
    assert probability == pytest.approx(np.full(2000, outcome.mean()), abs=0.01)


def test_a_perfect_score_on_few_cases_promises_no_certainty() -> None:
    score, outcome = np.linspace(-1, 1, 20), np.repeat([0, 1], 10)
    probability = PlattCalibration.fit(score, outcome).probability(np.array([-1.0, 1.0]))
    assert 0.01 < probability[0] < 0.5 < probability[1] < 0.99


def test_probabilities_rise_and_are_never_certain() -> None:
    probability = PlattCalibration.fit(*world(1000)).probability(np.linspace(-9, 9, 200))
    assert (np.diff(probability) >= 0).all()
    assert 0 < probability.min() < probability.max() < 1


def test_the_offset_makes_the_means_equal() -> None:
    log_odds, outcome = np.linspace(-2, 2, 100), np.repeat([1.0, 0.0], [30, 70])
    assert expit(log_odds + mean_calibration_offset(log_odds, outcome)).mean() == pytest.approx(0.3)


def test_where_all_outcomes_are_equal_the_offset_is_0() -> None:
    assert mean_calibration_offset(np.zeros(5), np.ones(5)) == 0.0
