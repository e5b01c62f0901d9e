"""Calibration widens quantiles that are too narrow; a low end of 0 does not make a band hold more than its share."""

from dataclasses import replace

import numpy as np
import pytest

from models.demand.classification import ALL_ZERO, CLASSES, NEW
from models.demand.forecast import HIGH, LOW, MEDIAN, QUANTILE_LEVELS
from models.demand.intervals.conformal import MIN_ROWS, SCALE_LIMITS, ConformalCalibration, calibrate
from models.demand.metrics import coverage
from models.demand.model import BANDS

ROWS, RATE = 6_000, 20.0
RNG = np.random.default_rng(0)
SEEN, LATER = RNG.poisson(RATE, (2, ROWS)).astype(float)
SMOOTH, NO_ZERO, DEMAND_SIZE = np.zeros(ROWS, dtype=np.int64), np.zeros(ROWS), np.ones(ROWS)
TRUE = np.quantile(RNG.poisson(RATE, 100_000), QUANTILE_LEVELS)


def band(width: float, rows: int = ROWS) -> np.ndarray:
    """The true quantiles, their distance from the median multiplied."""
    return np.tile(TRUE[MEDIAN] + width * (TRUE - TRUE[MEDIAN]), (rows, 1))


def calibrated(quantiles: np.ndarray, units: np.ndarray = SEEN, code: np.ndarray = SMOOTH) -> ConformalCalibration:
    return calibrate(quantiles, quantiles[:, MEDIAN], NO_ZERO, units, code, BANDS)


def applied(calibration: ConformalCalibration, quantiles: np.ndarray) -> np.ndarray:
    return calibration.apply(quantiles, quantiles[:, MEDIAN], NO_ZERO, DEMAND_SIZE, SMOOTH)


def held(quantiles: np.ndarray) -> float:
    return coverage(LATER, quantiles[:, LOW], quantiles[:, HIGH])


def test_a_band_that_is_too_narrow_is_widened_to_what_it_promises() -> None:
    assert held(band(0.6)) < 0.65
    assert 0.77 <= held(applied(calibrated(band(0.6)), band(0.6))) <= 0.88


def test_a_band_that_is_too_wide_is_narrowed() -> None:
    assert held(band(1.7)) > 0.93
    assert 0.77 <= held(applied(calibrated(band(1.7)), band(1.7))) <= 0.88


def test_a_scale_factor_is_bounded() -> None:
    assert calibrated(band(0.01)).classes[0].two_sided.max() == SCALE_LIMITS[1]


def test_a_level_that_drifted_widens_both_ends_alike() -> None:
    corrected = applied(calibrated(band(1.0), SEEN * 1.2), band(1.0))
    above, below = corrected[0, HIGH] - corrected[0, MEDIAN], corrected[0, MEDIAN] - corrected[0, LOW]
    assert above / below == (TRUE[HIGH] - TRUE[MEDIAN]) / (TRUE[MEDIAN] - TRUE[LOW])


def test_each_class_has_its_own_correction_and_a_small_one_takes_that_of_all() -> None:
    code = np.where(np.arange(ROWS) < ROWS // 2, 0, 1)
    code[: MIN_ROWS // 2] = 2
    quantiles = band(1.0)
    quantiles[code == 1] = band(0.6, int((code == 1).sum()))
    classes = calibrated(quantiles, code=code).classes
    assert classes[1].two_sided[HIGH] > 1.2 * classes[0].two_sided[HIGH]
    np.testing.assert_array_equal(classes[2].two_sided, classes[CLASSES.index("new")].two_sided)


def sparse(lowest: float, highest: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Chances of 0 between these; units that are 0 with that chance, else 1 to 6 alike; and their true quantiles."""
    chance = RNG.uniform(lowest, highest, ROWS)
    units = np.where(RNG.random(ROWS) < chance, 0, RNG.integers(1, 7, ROWS)).astype(float)
    place = (np.asarray(QUANTILE_LEVELS) - chance[:, None]) / (1 - chance[:, None])
    return chance, units, np.where(place <= 0, 0, np.ceil(np.clip(place, 0, 1) * 6))


def sparse_coverage(calibration: ConformalCalibration, probability_error: float, lowest: float = 0.7) -> float:
    """What the band holds of later units whose chances of 0 begin there, and are told wrong by so much."""
    chance, units, quantiles = sparse(lowest, lowest + 0.15)
    corrected = calibration.apply(quantiles, quantiles[:, MEDIAN], chance + probability_error, DEMAND_SIZE, SMOOTH)
    return coverage(units, corrected[:, LOW], corrected[:, HIGH])


def with_a_fixed_chance(calibration: ConformalCalibration) -> ConformalCalibration:
    return ConformalCalibration(tuple(replace(each, zero_budget=None) for each in calibration.classes))


@pytest.mark.parametrize(("probability_error", "lowest"), [(0.0, 0.7), (-0.08, 0.7), (0.0, 0.4), (0.0, 0.74)])
def test_chances_of_zero_that_all_drifted_leave_out_no_more_zeros(probability_error: float, lowest: float) -> None:
    chance, units, quantiles = sparse(0.7, 0.85)
    calibration = calibrate(quantiles, quantiles[:, MEDIAN], chance, units, SMOOTH, BANDS)
    assert sparse_coverage(calibration, probability_error, lowest) == pytest.approx(0.8, abs=0.03)
    # The control: a fixed chance is as good only as long as nothing drifts.
    fixed = sparse_coverage(with_a_fixed_chance(calibration), probability_error, lowest)
    assert (abs(fixed - 0.8) < 0.03) is (probability_error == 0 and lowest == 0.7)


def test_few_rows_are_not_compared_among_themselves() -> None:
    chance, units, quantiles = sparse(0.7, 0.85)
    calibration = calibrate(quantiles, quantiles[:, MEDIAN], chance, units, SMOOTH, BANDS)
    rows = np.argsort(-chance)
    few, many = rows[: MIN_ROWS - 1], rows[:MIN_ROWS]

    def left_out(chosen: np.ndarray) -> bool:
        told = (quantiles[chosen, MEDIAN], chance[chosen], DEMAND_SIZE[chosen], SMOOTH[chosen])
        return bool((calibration.apply(quantiles[chosen], *told)[:, LOW] > 0).any())

    assert not left_out(few)
    assert left_out(many)  # the control


def test_what_never_sold_is_corrected_as_what_is_new() -> None:
    code = np.where(np.arange(ROWS) < ROWS // 2, NEW, 0)
    quantiles = band(1.0)
    quantiles[code == NEW] = band(0.6, ROWS // 2)
    classes = calibrated(quantiles, code=code).classes
    assert classes[ALL_ZERO] is classes[NEW]
    assert classes[NEW].two_sided[HIGH] > 1.2 * classes[0].two_sided[HIGH]  # the control: they differ from the others


def test_where_zeros_are_usual_the_band_still_holds_its_share() -> None:
    chance, units, quantiles = sparse(0.15, 0.95)
    assert coverage(units, quantiles[:, LOW], quantiles[:, HIGH]) > 0.88  # the control: 0 cannot be missed
    median = quantiles[:, MEDIAN]
    calibration = calibrate(quantiles, median, chance, units, SMOOTH, BANDS)
    corrected = calibration.apply(quantiles, median, chance, DEMAND_SIZE, SMOOTH)
    assert 0.77 <= coverage(units, corrected[:, LOW], corrected[:, HIGH]) <= 0.83
    assert np.abs(corrected[:, LOW] - quantiles[:, LOW]).max() <= 0.011  # only 0 itself was left out
