import numpy as np
import pytest

from models.uplift.calibration import UpliftCalibration
from tests.models.uplift.worlds import persuadables


def test_a_score_in_the_wrong_unit_is_rescaled() -> None:
    experiment, planted = persuadables(20_000)
    calibration = UpliftCalibration.fit(10 * planted, experiment.treated, experiment.outcome, experiment.weight)
    assert calibration.average == pytest.approx(0.1, abs=0.02)
    assert calibration.slope == pytest.approx(0.1, abs=0.02)
    assert calibration.predict(np.array([0.0, 2.0])) == pytest.approx([0, 0.2], abs=0.03)


def test_noise_is_shrunk_to_the_average() -> None:
    experiment, _ = persuadables(20_000)
    noise = np.random.default_rng(1).normal(size=20_000)
    calibration = UpliftCalibration.fit(noise, experiment.treated, experiment.outcome, experiment.weight)
    assert calibration.predict(noise) == pytest.approx(np.full(20_000, 0.1), abs=0.05)


def test_a_score_that_ranks_backwards_is_not_reversed() -> None:
    experiment, planted = persuadables(20_000)
    assert UpliftCalibration.fit(-planted, experiment.treated, experiment.outcome, experiment.weight).slope == 0


def test_a_constant_score_gives_the_average_effect() -> None:
    experiment, _ = persuadables(20_000)
    calibration = UpliftCalibration.fit(np.ones(20_000), experiment.treated, experiment.outcome, experiment.weight)
    assert calibration.predict(np.ones(3)) == pytest.approx(np.full(3, 0.1), abs=0.02)


def test_the_variance_is_that_of_repeated_experiments() -> None:
    fits = []
    for seed in range(60):
        experiment, planted = persuadables(1500, seed=seed)
        fits.append(UpliftCalibration.fit(planted, experiment.treated, experiment.outcome, experiment.weight))
    spread = np.std([fit.average for fit in fits])
    assert np.sqrt(np.mean([fit.average_variance for fit in fits])) == pytest.approx(spread, rel=0.3)
