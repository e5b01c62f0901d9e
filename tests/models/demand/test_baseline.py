"""The baseline repeats the last cycle and knows how far cycles differ."""

import numpy as np

from models.demand.baseline import seasonal_naive
from models.demand.forecast import HIGH, LOW
from models.demand.metrics import coverage
from tests.models.demand.worlds import panel_of, rates, sales


def test_it_repeats_the_last_week() -> None:
    forecast = seasonal_naive(panel_of(np.arange(21)[None, :]), horizon=10)
    np.testing.assert_array_equal(forecast.mean, [[14, 15, 16, 17, 18, 19, 20, 14, 15, 16]])
    # Every week lies 7 above the one before it, and so does the band.
    np.testing.assert_array_equal(forecast.quantiles[0, 0, [LOW, HIGH]], [14, 21])


def test_a_past_shorter_than_a_cycle_repeats_its_last_period() -> None:
    np.testing.assert_array_equal(seasonal_naive(panel_of([[3, 5]]), horizon=2).mean, [[5, 5]])


def test_its_band_is_fair() -> None:
    units = sales(rates(60, 280), seed=5)
    forecast = seasonal_naive(panel_of(units[:, :252]), 28)
    assert 0.72 <= coverage(units[:, 252:], forecast.quantiles[..., LOW], forecast.quantiles[..., HIGH]) <= 0.88
