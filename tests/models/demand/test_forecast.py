"""Quantiles at any level, and those of sums over a lead time."""

import numpy as np
import pytest

from contracts.errors import InputError
from models.demand.forecast import MEDIAN, QUANTILE_LEVELS, DemandForecast

STEPS = 4
MEAN = np.full((2, STEPS), 10.0)
QUANTILES = MEAN[..., None] + np.linspace(-5, 5, len(QUANTILE_LEVELS))
FORECAST = DemandForecast(MEAN, QUANTILES)


def test_levels_between_are_interpolated_and_beyond_are_held() -> None:
    between = (QUANTILES[..., MEDIAN] + QUANTILES[..., MEDIAN + 1]) / 2
    np.testing.assert_allclose(FORECAST.quantile((QUANTILE_LEVELS[MEDIAN] + QUANTILE_LEVELS[MEDIAN + 1]) / 2), between)
    np.testing.assert_array_equal(FORECAST.quantile(0.999), QUANTILES[..., -1])
    with pytest.raises(InputError, match="between 0 and 1"):
        FORECAST.quantile(1.0)


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
