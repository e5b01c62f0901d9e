"""Seasonal naive repeats the last cycle; the other baseline is what the series itself sold lately."""

import numpy as np

from models.demand.baseline import RECENT_PERIODS, own_recent, sample_quantiles, seasonal_naive
from models.demand.forecast import HIGH, LOW, MEDIAN, QUANTILE_LEVELS
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


def test_quantiles_of_a_sample_are_values_that_reach_their_level() -> None:
    mean, quantiles = sample_quantiles(np.array([[0, 0, 0, 0, 0, 1, 2, np.nan, 3, 14], [np.nan] * 10]))
    assert mean.tolist() == [20 / 9, 0]
    found = dict(zip(QUANTILE_LEVELS, quantiles[0], strict=True))
    assert (found[0.1], found[0.5], found[0.75], found[0.9]) == (0, 0, 2, 14)
    assert not quantiles[1].any()


def test_recent_periods_count_from_the_first_sale_and_only_where_observed() -> None:
    days = RECENT_PERIODS["day"]
    units = np.zeros((3, days + 10))
    units[0, :10], units[0, 10:] = 99, 4  # old sales do not count
    units[1, -6:] = 6  # before the first sale nothing counts
    units[2] = 5
    units[2, -20:] = 0
    is_observed = np.ones(units.shape, dtype=bool)
    is_observed[2, -20:] = False  # out of stock
    forecast = own_recent(panel_of(units, is_observed), 3)
    np.testing.assert_array_equal(forecast.mean, [[4] * 3, [6] * 3, [5] * 3])
    np.testing.assert_array_equal(forecast.quantiles[:, 0, MEDIAN], [4, 6, 5])
