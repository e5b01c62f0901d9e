"""Metrics against values that can be worked out by hand."""

import numpy as np
import pytest

from models.statistics.probability_metrics import (
    calibration_error,
    chance_calibration_error,
    lift,
    probability_metrics,
    reliability_curve,
)


def test_a_perfect_prediction() -> None:
    outcome = np.repeat([0, 1], 50)
    metrics = probability_metrics(outcome, outcome.astype(float))
    assert metrics == {
        "auc": 1.0, "average_precision": 1.0, "brier": 0.0, "ece": 0.0, "ece_excess": 0.0, "lift_at_10": 2.0
    }  # fmt: skip


def test_one_class_defines_nothing() -> None:
    assert set(probability_metrics(np.zeros(9), np.full(9, 0.5)).values()) == {None}
    assert set(probability_metrics(np.zeros(0), np.zeros(0)).values()) == {None}


def test_ece_of_a_constant_is_its_distance_from_the_mean_whatever_the_order() -> None:
    outcome = np.repeat([0, 1], [60, 40])
    assert calibration_error(outcome, np.full(100, 0.7)) == pytest.approx(0.3)
    assert calibration_error(outcome, np.full(100, 0.4)) == pytest.approx(0.0)


def test_ece_by_bins() -> None:
    probability = np.repeat([0.2, 0.8], 50)
    outcome = np.concatenate([np.repeat([0, 1], [45, 5]), np.repeat([0, 1], [5, 45])])  # .1 and .9 really
    assert calibration_error(outcome, probability) == pytest.approx(0.1)
    assert reliability_curve(outcome, probability) == [
        {"cases": 50, "predicted": 0.2, "observed": 0.1},
        {"cases": 50, "predicted": 0.8, "observed": 0.9},
    ]


@pytest.mark.parametrize("cases", [100, 1000, 20_000])
def test_the_chance_part_of_ece_is_what_a_true_prediction_shows(cases: int) -> None:
    chance = np.random.default_rng(0)
    probability = chance.uniform(0.05, 0.95, cases)
    seen = [calibration_error(chance.random(cases) < probability, probability) for _ in range(30)]
    assert np.mean(seen) == pytest.approx(chance_calibration_error(probability), rel=0.1)


def test_lift_counts_the_top_tenth_and_splits_ties() -> None:
    outcome = np.concatenate([np.ones(10), np.zeros(90)])
    assert lift(outcome, np.linspace(1, 0, 100), 0.1) == pytest.approx(10.0)
    assert lift(outcome, np.linspace(0, 1, 100), 0.1) == pytest.approx(0.0)
    assert lift(outcome, np.full(100, 0.5), 0.1) == pytest.approx(1.0)
