"""The baseline repeats the last week and knows how far weeks differ."""

import numpy as np

from models.demand_metrics import coverage
from models.seasonal_naive import seasonal_naive
from tests.models.demand_worlds import history_of, rates, sales


def test_it_repeats_the_last_week() -> None:
    history = history_of(np.arange(21)[None, :])
    forecast = seasonal_naive(history, horizon_days=10)
    np.testing.assert_array_equal(forecast.mean, [[14, 15, 16, 17, 18, 19, 20, 14, 15, 16]])
    # Every week lies 7 above the one before it, and so does the band.
    np.testing.assert_array_equal(forecast.quantiles[0, 0], [14, 21, 21])


def test_its_band_is_fair() -> None:
    units = sales(rates(60, 280), seed=5)
    forecast = seasonal_naive(history_of(units[:, :252]), 28)
    assert 0.72 <= coverage(units[:, 252:], forecast.quantiles[..., 0], forecast.quantiles[..., 2]) <= 0.88
