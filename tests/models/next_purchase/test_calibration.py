"""Calibration of the next order: chances that are true, ranges that hold 8 of 10 orders."""

import numpy as np
import pytest

from models.next_purchase.calibration import OrderCalibration
from models.next_purchase.censored_customers import dates_after
from models.next_purchase.hazard_curves import OrderCurves, interval_edges
from tests.models.next_purchase.worlds import followed, memoryless

EDGES = interval_edges(100)


def said(rate: float, customers: int) -> OrderCurves:
    return OrderCurves(EDGES, np.tile(rate * EDGES, (customers, 1)))


def coverage(curves: OrderCurves, calibration: OrderCalibration, next_days: np.ndarray) -> float:
    calibrated = calibration.applied(curves)
    came = np.flatnonzero(next_days <= 100)
    low, high = (
        dates_after(calibrated.taken(came).days_until(level), 0.0) for level in (calibration.low, calibration.high)
    )
    dates = dates_after(next_days[came], 0.0)
    return float(((low <= dates) & (dates <= high)).mean())


@pytest.mark.parametrize("rate", [0.005, 0.02, 0.08])
def test_too_low_and_too_high_a_hazard_are_put_right(rate: float) -> None:
    later, test = memoryless(4000, 1), memoryless(4000, 2)
    calibration = OrderCalibration.fit(said(rate, 4000), later, least_chance=0.0)
    calibrated = calibration.applied(said(rate, 4000))
    assert calibrated.chance_within(30).mean() == pytest.approx(1 - np.exp(-30 / 50), abs=0.03)
    assert coverage(said(rate, 4000), calibration, test.next_days) == pytest.approx(0.8, abs=0.03)


def test_a_range_from_a_shape_that_is_wrong_still_holds_8_of_10() -> None:
    """All orders come between day 40 and 60, which the curves do not know."""
    random = np.random.default_rng(1)
    later, test = (random.uniform(40, 60, 2000) for _ in range(2))
    ones = np.ones(2000)
    calibration = OrderCalibration.fit(said(0.02, 2000), followed(ones, ones, later), least_chance=0.0)
    assert coverage(said(0.02, 2000), calibration, test) == pytest.approx(0.8, abs=0.04)
    assert coverage(said(0.02, 2000), OrderCalibration(0.0, 1.0), test) > 0.9  # the control: without calibration


def test_where_all_orders_come_on_one_date_the_range_is_that_date() -> None:
    later = followed(np.ones(500), np.ones(500), np.full(500, 0.5))
    curves = said(0.05, 500)
    calibration = OrderCalibration.fit(curves, later, least_chance=0.0)
    assert dates_after(calibration.applied(curves).days_until(calibration.high), 0.0).max() <= 1


def test_without_orders_the_levels_are_the_nominal_ones() -> None:
    never = followed(np.ones(50), np.ones(50), np.full(50, np.inf))
    calibration = OrderCalibration.fit(said(0.01, 50), never, least_chance=0.2)
    assert (calibration.low, calibration.middle, calibration.high) == pytest.approx((0.1, 0.5, 0.9))
    assert calibration.applied(said(0.01, 50)).chance_within(100).max() < 0.2
