"""Quantiles at any level, and those of sums over a lead time."""

import numpy as np
import pytest
from scipy.stats import poisson

from contracts.errors import InputError
from models.demand.forecast import MEDIAN, QUANTILE_LEVELS, DemandForecast, at_levels, whole_units

STEPS = 4
MEAN = np.full((2, STEPS), 10.0)
QUANTILES = MEAN[..., None] + np.linspace(-5, 5, len(QUANTILE_LEVELS))
FORECAST = DemandForecast(MEAN, QUANTILES)


def test_levels_between_are_interpolated_and_beyond_are_held() -> None:
    between = (QUANTILES[..., MEDIAN] + QUANTILES[..., MEDIAN + 1]) / 2
    level = (QUANTILE_LEVELS[MEDIAN] + QUANTILE_LEVELS[MEDIAN + 1]) / 2
    found = at_levels(QUANTILES, (level, 0.999))
    np.testing.assert_allclose(found[..., 0], between)
    np.testing.assert_array_equal(found[..., 1], QUANTILES[..., -1])
    with pytest.raises(InputError, match="between 0 and 1"):
        at_levels(QUANTILES, (1.0,))


def test_quantiles_of_counts_are_whole_units_and_those_of_weights_are_not() -> None:
    is_count = np.array([True, False])
    forecast = DemandForecast(MEAN, QUANTILES / 7, np.cumsum(QUANTILES, axis=1) / 7, is_count)
    for found in (forecast.quantiles, forecast.cumulative, forecast.total(3, (0.3, 0.62)), forecast.total(9)):
        assert found is not None
        np.testing.assert_array_equal(found[0], np.round(found[0]))
        assert (found[1] != np.round(found[1])).any()
    np.testing.assert_array_equal(forecast.mean, MEAN)
    np.testing.assert_array_equal(forecast.quantiles[1], QUANTILES[1] / 7)


@pytest.mark.parametrize("rate", [0.3, 1.7, 40.0])
def test_a_whole_quantile_is_the_least_number_that_reaches_its_level(rate: float) -> None:
    """A continuous estimate has the probability of k or less at k + 0.5; between these points it is a line."""
    number = np.arange(200)
    reached = poisson.cdf(number, rate)
    continuous = np.interp(QUANTILE_LEVELS, np.r_[0, reached], np.r_[-0.5, number + 0.5])
    found = whole_units(continuous[None, :], np.array([True]))[0]
    np.testing.assert_array_equal(found, poisson.ppf(QUANTILE_LEVELS, rate))
    assert (np.ceil(continuous) != found).any()  # the control: without the correction they are too high


def test_a_total_is_wider_than_a_step_and_narrower_than_the_steps_added_up() -> None:
    total = FORECAST.total(STEPS)
    width = total[0, -1] - total[0, 0]
    assert 10 < width < STEPS * 10
    assert total[0, MEDIAN] == pytest.approx(40)


def test_each_series_has_its_own_number_of_periods_beyond_the_horizon_too() -> None:
    total = FORECAST.total(np.array([1, 2 * STEPS]), (0.5,))
    np.testing.assert_allclose(total[:, 0], [10, 80])
    with pytest.raises(InputError, match="ask for 1 or more"):
        FORECAST.total(0)


def test_totals_that_were_learnt_are_used() -> None:
    learnt = DemandForecast(MEAN, QUANTILES, cumulative=np.cumsum(QUANTILES, axis=1))
    np.testing.assert_allclose(learnt.total(2)[0], 2 * QUANTILES[0, 0])
