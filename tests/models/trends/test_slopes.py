"""Slopes of windows whose growth was planted without noise."""

import numpy as np
import pytest

from models.trends.slopes import MIN_SERIES_TO_CENTRE, median_slope, store_curve, weeks_from_middle, window_slopes

WEEKS = 16


def growing(slopes: list[float], level: float = 1e6) -> np.ndarray:
    return level * np.exp(np.array(slopes)[:, None] * weeks_from_middle(WEEKS))


def slopes_of(units: np.ndarray, exposure: np.ndarray | None = None) -> np.ndarray:
    seen = np.ones_like(units) if exposure is None else exposure
    return window_slopes(units, seen, min_units=10, min_exposure=0.75).relative


def test_growth_is_told_relative_to_the_median_series() -> None:
    planted = [0.0] * MIN_SERIES_TO_CENTRE + [0.05, -0.1]
    np.testing.assert_allclose(slopes_of(growing(planted))[-2:], [0.05, -0.1], atol=1e-3)
    shifted = [slope + 0.03 for slope in planted]
    slopes = window_slopes(growing(shifted), np.ones((len(planted), WEEKS)), 10, 0.75)
    np.testing.assert_allclose(slopes.relative[-2:], [0.05, -0.1], atol=1e-3)
    assert slopes.store == pytest.approx(0.03, abs=1e-3)


def test_what_all_do_in_one_week_is_nobodys_growth() -> None:
    units = growing([0.0] * 30)
    units[:, -1] *= 5
    np.testing.assert_allclose(slopes_of(units), 0, atol=1e-9)


def test_weeks_that_were_not_seen_are_left_out() -> None:
    units, exposure = growing([0.0] * 30), np.ones((30, WEEKS))
    units[0, -3:], exposure[0, -3:] = 0, 0
    units[1, 4], exposure[1, 4] = units[1, 4] / 2, 0.5
    np.testing.assert_allclose(slopes_of(units, exposure), 0, atol=1e-6)
    assert slopes_of(units)[0] < -0.05  # the control


def test_scaling_a_series_changes_no_slope() -> None:
    units = np.random.default_rng(1).poisson(500, (40, WEEKS)).astype(float) * 1e3
    scaled = units.copy()
    scaled[0] *= 100
    np.testing.assert_allclose(slopes_of(units)[0], slopes_of(scaled)[0], atol=0.004)  # it weighs more in the store


def test_too_little_has_no_slope() -> None:
    units, exposure = growing([0.0] * 4), np.ones((4, WEEKS))
    units[0], units[0, 3] = 0, 9
    exposure[1, :5] = 0
    slopes = window_slopes(units, exposure, min_units=10, min_exposure=0.75)
    assert slopes.is_known.tolist() == [False, False, True, True]
    assert np.isnan(slopes.poisson_variance[:2]).all()
    assert not window_slopes(np.zeros((2, WEEKS)), np.ones((2, WEEKS)), 10, 0.75).is_known.any()


def test_a_series_that_stopped_has_a_finite_slope() -> None:
    units = growing([0.0] * 30, level=30)
    units[0, 1:] = 0
    assert -1.01 < slopes_of(units)[0] < -0.2


def test_the_variance_is_that_of_counts() -> None:
    units = np.random.default_rng(2).poisson(20, (4_000, WEEKS)).astype(float)
    slopes = window_slopes(units, np.ones_like(units), 10, 0.75)
    assert slopes.relative.var() == pytest.approx(slopes.poisson_variance.mean(), rel=0.07)


def test_the_store_is_not_ruled_by_its_best_seller() -> None:
    units = np.ones((101, 2))
    units[0] = [1e4, 2e4]
    curve = store_curve(units, np.ones_like(units))
    assert curve[1] / curve[0] < 1.7  # the sum would say 2


def test_the_median_slope_needs_enough_series() -> None:
    assert median_slope(np.arange(MIN_SERIES_TO_CENTRE - 1.0)) == 0.0
    assert median_slope(np.append(np.full(MIN_SERIES_TO_CENTRE, 3.0), np.nan)) == 3.0
