"""Conformal corrections: too narrow is widened, wide enough is left, and the total gets a band of its own."""

import numpy as np

from models.demand_calibration import MAX_CORRECTION, DemandCalibration, calibrate
from models.demand_forecast import DemandForecast
from models.demand_metrics import coverage

ITEMS, DAYS, RATE = 200, 28, 20.0
RNG = np.random.default_rng(0)
SEEN, LATER = RNG.poisson(RATE, (2, ITEMS, DAYS)).astype(float)
SMOOTH, SALE = np.zeros(ITEMS, dtype=np.int64), np.full(ITEMS, RATE)


def band(half_width: float) -> DemandForecast:
    mean = np.full((ITEMS, DAYS), RATE)
    return DemandForecast(mean, np.stack([mean - half_width, mean, mean + half_width], axis=-1))


def held(forecast: DemandForecast) -> float:
    return coverage(LATER, forecast.quantiles[..., 0], forecast.quantiles[..., 2])


def test_a_band_that_is_too_narrow_is_widened_to_what_it_promises() -> None:
    assert held(band(3)) < 0.6
    corrected = calibrate(band(3), SEEN, SMOOTH, SALE).apply(band(3), SMOOTH)
    assert 0.78 <= held(corrected) <= 0.9


def test_a_band_that_is_wide_enough_is_left_alone() -> None:
    calibration = calibrate(band(9), SEEN, SMOOTH, SALE)
    np.testing.assert_allclose(calibration.daily, 0)
    np.testing.assert_array_equal(calibration.apply(band(9), SMOOTH).quantiles, band(9).quantiles)


def test_a_correction_is_bounded() -> None:
    assert np.abs(calibrate(band(0.01), SEEN, SMOOTH, SALE).daily).max() <= MAX_CORRECTION


def test_each_class_has_its_own_correction_and_a_small_one_takes_that_of_all() -> None:
    classes = np.where(np.arange(ITEMS) < 100, 0, 1)
    classes[-1] = 2  # 28 days are too few
    actual = SEEN.copy()
    actual[classes == 0] = RATE
    daily = calibrate(band(3), actual, classes, SALE).daily
    assert daily[0].tolist() == [0, 0]
    assert daily[1, 1] > daily[2, 1] > 0


def test_the_total_has_a_band_of_its_own() -> None:
    low, high = calibrate(band(5), SEEN, SMOOTH, SALE).total_band(band(5), SALE)
    total = LATER.sum(axis=1)
    assert 0.7 <= coverage(total, low, high) <= 0.92
    narrow = (high - low) / 4
    assert coverage(total, low + narrow, high - narrow) < 0.7  # the control: half as wide fails


def test_rare_and_frequent_items_have_their_own_totals() -> None:
    sales = np.repeat([0.5, 50.0], ITEMS // 2)
    mean = np.repeat(sales[:, None] / DAYS, DAYS, axis=1)
    forecast = DemandForecast(mean, np.stack([mean * 0, mean, mean * 3], axis=-1))
    actual = RNG.poisson(mean).astype(float)
    calibration: DemandCalibration = calibrate(forecast, actual, SMOOTH, np.ones(ITEMS))
    low, high = calibration.total_band(forecast, np.ones(ITEMS))
    assert low[0] == 0
    assert high[0] >= 1
    assert low[-1] > 25
    assert high[-1] < 100
