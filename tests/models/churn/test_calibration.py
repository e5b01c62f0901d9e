"""Calibration of churn scores: means per group, and intervals that grow with the between-snapshot variance."""

import numpy as np
import pytest
from scipy.special import expit

from models.churn.calibration import MIN_SNAPSHOT_STD, ChurnCalibration, ScoredCases

PER_SNAPSHOT = 3000


def cases(offsets: list[float], seed: int, one_time_offset: float = 0.0, size: int = PER_SNAPSHOT) -> ScoredCases:
    """Snapshots whose true log-odds are the score plus the snapshot's offset, and more for one-time buyers."""
    chance = np.random.default_rng(seed)
    snapshot = np.repeat(np.arange(len(offsets)), size)
    score, is_one_time = chance.normal(size=len(snapshot)), chance.random(len(snapshot)) < 0.4
    true = expit(score + np.array(offsets)[snapshot] + one_time_offset * is_one_time)
    outcome = (chance.random(len(snapshot)) < true).astype(float)
    return ScoredCases(score, np.zeros(len(snapshot)), is_one_time, outcome, np.ones(len(snapshot)), snapshot)


def fitted(everything: ScoredCases) -> ChurnCalibration:
    return ChurnCalibration.fit(everything.subset(everything.snapshot == 0), everything)


def test_one_time_buyers_have_an_intercept_of_their_own() -> None:
    calibration = fitted(cases([0.0, 0.0], seed=1, one_time_offset=1.5))
    test = cases([0.0], seed=2, one_time_offset=1.5)
    probability = calibration.probability(test.score, test.is_one_time)
    for group in (test.is_one_time, ~test.is_one_time):
        assert probability[group].mean() == pytest.approx(test.outcome[group].mean(), abs=0.03)


def test_few_one_time_buyers_share_the_calibration_of_all() -> None:
    calibration = fitted(cases([0.0, 0.0], seed=1, one_time_offset=1.5, size=150))
    assert calibration.one_time == calibration.returning


def test_snapshots_that_differ_widen_the_interval() -> None:
    steady, moving = fitted(cases([0.0] * 6, seed=3)), fitted(cases([0.5, -0.5, 0.4, -0.6, 0.5, -0.4], seed=3))
    assert steady.snapshot_std == MIN_SNAPSHOT_STD
    assert 0.3 < moving.snapshot_std < 0.6


@pytest.mark.parametrize("std", [0.2, 0.35])
def test_the_interval_covers_the_true_share_at_its_nominal_rate(std: float) -> None:
    """Over 500 seeds .91 and .78; the standard error of 60 trials is .05."""
    chance, covered = np.random.default_rng(5), []
    for trial in range(60):
        offsets = chance.normal(0, std, 9)
        calibration = fitted(cases(offsets[1:].tolist(), seed=trial, size=400))
        low, high = calibration.interval(np.zeros(1), np.zeros(1), np.zeros(1, bool))
        covered.append(low[0] <= expit(offsets[0]) <= high[0])
    assert 0.63 <= np.mean(covered) <= 0.98


def test_a_score_that_ranks_backwards_is_not_believed() -> None:
    upside_down = cases([0.0, 0.0], seed=4)
    upside_down = ScoredCases(
        -upside_down.score, *(getattr(upside_down, n) for n in list(upside_down.__dataclass_fields__)[1:])
    )
    probability = fitted(upside_down).probability(upside_down.score, upside_down.is_one_time)
    assert probability.std() < 0.03


def test_round_trip() -> None:
    calibration = fitted(cases([0.0, 0.2], seed=6))
    assert ChurnCalibration.from_json(calibration.to_json()) == calibration
