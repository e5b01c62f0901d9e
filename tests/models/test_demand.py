"""The demand model on worlds whose truth is known."""

from functools import cache

import numpy as np
import pytest

from contracts.errors import NotEnoughData
from models.demand import DemandModel, fit_demand
from models.demand_forecast import DemandForecast
from models.demand_history import DemandHistory
from models.demand_metrics import coverage, pinball
from models.seasonal_naive import seasonal_naive
from tests.models.demand_worlds import SMALL, history_of, rates, sales

ITEMS, GROWING, DAYS, HORIZON = 40, 20, 224, 28
GROWTH = 0.004
TRUTH = rates(ITEMS, DAYS + HORIZON, GROWING, GROWTH)
SOLD = sales(TRUTH)


@cache
def world() -> tuple[DemandHistory, DemandModel, DemandForecast]:
    history = history_of(SOLD[:, :DAYS])
    model = fit_demand(history, SMALL, seed=7, threads=1)
    return history, model, model.predict(history)


def test_it_finds_the_week() -> None:
    _, _, forecast = world()
    weekend = np.arange(DAYS, DAYS + HORIZON) % 7 >= 5
    ratio = forecast.mean[:, weekend].mean(axis=1) / forecast.mean[:, ~weekend].mean(axis=1)
    assert np.median(ratio) == pytest.approx(3, rel=0.1)


def test_it_finds_the_trend() -> None:
    _, _, forecast = world()
    ratio = forecast.mean.sum(axis=1) / SOLD[:, DAYS - HORIZON : DAYS].sum(axis=1)
    growth = np.exp(GROWTH * HORIZON)
    assert np.median(ratio[:GROWING]) == pytest.approx(growth, rel=0.05)
    assert np.median(ratio[GROWING:]) == pytest.approx(1, rel=0.05)


def test_it_beats_the_seasonal_naive() -> None:
    history, _, forecast = world()
    actual = SOLD[:, DAYS:]
    assert pinball(actual, forecast.quantiles) < 0.8 * pinball(actual, seasonal_naive(history, HORIZON).quantiles)


def holds_its_band(actual: np.ndarray, low: np.ndarray, high: np.ndarray) -> bool:
    return 0.75 <= coverage(actual, low, high) <= 0.92


def test_its_bands_hold_what_they_promise() -> None:
    _, _, forecast = world()
    actual = SOLD[:, DAYS:]
    low, median, high = np.moveaxis(forecast.quantiles, -1, 0)
    assert holds_its_band(actual, low, high)
    narrow = (high - median) / 2
    assert not holds_its_band(actual, median - narrow, median + narrow)  # the control: half as wide fails


def test_the_band_of_the_total_holds_it_and_is_narrower_than_the_days_added_up() -> None:
    history, model, forecast = world()
    low, high = model.total_band(history, forecast)
    total = SOLD[:, DAYS:].sum(axis=1)
    assert coverage(total, low, high) >= 0.65
    days = forecast.quantiles.sum(axis=1)
    assert (high - low).sum() < (days[:, 2] - days[:, 0]).sum()


def test_quantiles_never_cross_and_never_fall_below_zero() -> None:
    _, _, forecast = world()
    assert (np.diff(forecast.quantiles, axis=-1) >= 0).all()
    assert forecast.quantiles.min() >= 0
    assert forecast.mean.min() >= 0


def test_ten_times_the_units_give_ten_times_the_forecast() -> None:
    history, _, forecast = world()
    larger = history_of(history.units * 10)
    scaled = fit_demand(larger, SMALL, seed=7, threads=1).predict(larger)
    assert scaled.mean.sum() == pytest.approx(10 * forecast.mean.sum(), rel=0.02)
    assert scaled.quantiles.sum() == pytest.approx(10 * forecast.quantiles.sum(), rel=0.02)


def test_the_same_history_gives_the_same_forecast() -> None:
    history, _, forecast = world()
    again = fit_demand(history, SMALL, seed=7, threads=1).predict(history)
    np.testing.assert_array_equal(again.quantiles, forecast.quantiles)


def test_what_sells_later_does_not_change_an_earlier_forecast() -> None:
    history, model, _ = world()
    origin = DAYS - HORIZON
    changed = history.units.copy()
    changed[:, origin:] *= 50
    for later in (history, history_of(changed)):
        past = later.before(origin)
        forecast = fit_demand(past, SMALL, seed=7, threads=1).predict(past)
        if later is history:
            first = forecast
    np.testing.assert_array_equal(first.quantiles, forecast.quantiles)
    # The control: to look at the whole history does change it.
    assert not np.array_equal(model.predict(history_of(changed)).quantiles, model.predict(history).quantiles)


def test_items_that_hardly_ever_sold_get_a_small_finite_forecast() -> None:
    units = SOLD[:, :DAYS].copy()
    units[0] = 0  # never sold
    units[1] = 0
    units[1, -1] = 2  # one point, yesterday
    units[2] = 0
    units[2, 3] = 5  # one point, long ago
    history = history_of(units)
    model = fit_demand(history, SMALL, seed=7, threads=1)
    forecast = model.predict(history)
    low, high = model.total_band(history, forecast)
    assert np.isfinite(forecast.quantiles).all()
    assert (low <= high).all()
    assert forecast.mean[0].sum() < 1e-3
    assert forecast.mean[2].sum() < 5
    assert 0 < forecast.mean[1].sum() < 28 * 2 * 3


def test_one_giant_order_does_not_rule_the_forecast() -> None:
    history, _, forecast = world()
    units = history.units.copy()
    units[5, DAYS - 10] = 10_000
    odd = history_of(units)
    ruled = fit_demand(odd, SMALL, seed=7, threads=1).predict(odd)
    assert ruled.mean[5].sum() < 3 * forecast.mean[5].sum()


def test_sales_on_first_days_only_are_not_enough() -> None:
    units = np.zeros((5, 56))
    units[:, 0] = 1
    with pytest.raises(NotEnoughData, match="sold on more than their first day"):
        fit_demand(history_of(units), SMALL, seed=7, threads=1)
