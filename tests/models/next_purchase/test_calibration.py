"""Calibration of hazard curves: probabilities that are right, ranges that cover 80 % of the orders."""

import numpy as np
import pytest

from models.next_purchase.calibration import HazardCalibration
from models.next_purchase.censored_customers import dates_after
from models.next_purchase.hazard_curves import HazardCurves, interval_edges
from tests.models.next_purchase.worlds import memoryless, observed

EDGES = interval_edges(100)


def constant(rate: float, customers: int) -> HazardCurves:
    return HazardCurves(EDGES, np.tile(rate * EDGES, (customers, 1)))


def coverage(curves: HazardCurves, calibration: HazardCalibration, event_days: np.ndarray) -> float:
    calibrated = calibration.apply(curves)
    ordered = np.flatnonzero(event_days <= 100)
    low, high = (
        dates_after(calibrated.subset(ordered).quantile_days(level), 0.0)
        for level in (calibration.low, calibration.high)
    )
    dates = dates_after(event_days[ordered], 0.0)
    return float(((low <= dates) & (dates <= high)).mean())


@pytest.mark.parametrize("rate", [0.005, 0.02, 0.08])
def test_too_low_and_too_high_a_hazard_are_put_right(rate: float) -> None:
    later, test = memoryless(4000, 1), memoryless(4000, 2)
    calibration = HazardCalibration.fit(constant(rate, 4000), later, min_probability=0.0)
    calibrated = calibration.apply(constant(rate, 4000))
    assert calibrated.event_probability(30).mean() == pytest.approx(1 - np.exp(-30 / 50), abs=0.03)
    assert coverage(constant(rate, 4000), calibration, test.event_days) == pytest.approx(0.8, abs=0.045)


def test_a_range_from_a_wrong_shape_still_covers_8_of_10() -> None:
    """All orders come between day 40 and 60, unlike the curves; each end is a date with a twentieth of the orders."""
    random = np.random.default_rng(1)
    later, test = (random.uniform(40, 60, 2000) for _ in range(2))
    ones = np.ones(2000)
    calibration = HazardCalibration.fit(constant(0.02, 2000), observed(ones, ones, later), min_probability=0.0)
    sampling_error = 0.03
    assert 0.8 - sampling_error < coverage(constant(0.02, 2000), calibration, test) < 0.9 + sampling_error
    assert coverage(constant(0.02, 2000), HazardCalibration(0.0, 1.0), test) == 1  # the control: without calibration


def test_where_all_orders_come_on_one_date_the_range_is_that_date() -> None:
    later = observed(np.ones(500), np.ones(500), np.full(500, 0.5))
    curves = constant(0.05, 500)
    calibration = HazardCalibration.fit(curves, later, min_probability=0.0)
    assert dates_after(calibration.apply(curves).quantile_days(calibration.high), 0.0).max() <= 1


def test_without_orders_the_levels_are_the_nominal_ones() -> None:
    never = observed(np.ones(50), np.ones(50), np.full(50, np.inf))
    calibration = HazardCalibration.fit(constant(0.01, 50), never, min_probability=0.2)
    assert (calibration.low, calibration.high) == pytest.approx((0.1, 0.9))
    assert calibration.apply(constant(0.01, 50)).event_probability(100).max() < 0.2
