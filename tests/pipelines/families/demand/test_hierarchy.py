"""Sums that agree with their parts, and bands that hold what they promise."""

import numpy as np
import pytest

from models.demand.forecast import HIGH, LOW, QUANTILE_LEVELS, DemandForecast
from pipelines.families.demand.fit import HierarchyLevel, PastForecast, forecast_levels

SERIES, STEPS, ORIGINS = 60, 28, 3
RATE = np.geomspace(0.5, 20, SERIES)
CATEGORY = np.arange(SERIES) % 4
LEVELS_OF_STORE = [
    HierarchyLevel("total", ("",), np.zeros(SERIES, dtype=np.int64)),
    HierarchyLevel("category", ("a", "b", "c", "d"), CATEGORY),
]


def windows(number: int, seed: int, common: float) -> list[PastForecast]:
    """What happened is Poisson around the mean, times luck that all series share in a step."""
    chance = np.random.default_rng(seed)
    mean = np.repeat(RATE[:, None], STEPS, axis=1)
    known = np.ones(mean.shape, dtype=bool)
    luck = [np.exp(chance.normal(0, common, STEPS)) if common else np.ones(STEPS) for _ in range(number)]
    return [PastForecast(mean, chance.poisson(mean * each).astype(float), known) for each in luck]


def series_forecast() -> DemandForecast:
    mean = np.repeat(RATE[:, None], STEPS, axis=1)
    return DemandForecast(mean, np.repeat(mean[..., None], len(QUANTILE_LEVELS), axis=-1))


def coverage(found: list[DemandForecast], later: list[PastForecast], running: bool = False) -> list[float]:
    shares = []
    for level, forecast in zip(LEVELS_OF_STORE, found, strict=True):
        bands = forecast.cumulative if running else forecast.quantiles
        held = []
        for each in later:
            actual = level.sums(each.actual)
            actual = np.cumsum(actual, axis=1) if running else actual
            held.append((actual >= bands[..., LOW]) & (actual <= bands[..., HIGH]))
        shares.append(float(np.mean(held)))
    return shares


def test_every_level_is_the_sum_of_its_parts() -> None:
    total, category = forecast_levels(LEVELS_OF_STORE, series_forecast(), windows(ORIGINS, 0, 0.0))
    np.testing.assert_allclose(total.mean[0], series_forecast().mean.sum(axis=0))
    np.testing.assert_allclose(category.mean.sum(axis=0), total.mean[0])
    assert (np.diff(total.quantiles, axis=-1) >= 0).all()


@pytest.mark.parametrize("common", [0.0, 0.15])
def test_bands_hold_at_every_level_whether_or_not_the_series_share_their_luck(common: float) -> None:
    found = forecast_levels(LEVELS_OF_STORE, series_forecast(), windows(ORIGINS, 0, common))
    for share in coverage(found, windows(200, 1, common)):
        assert share == pytest.approx(0.8, abs=0.06)


def test_bands_learnt_where_luck_is_independent_fail_where_it_is_shared() -> None:
    """The control: what the test above asks can be missed."""
    found = forecast_levels(LEVELS_OF_STORE, series_forecast(), windows(ORIGINS, 0, 0.0))
    assert coverage(found, windows(200, 1, 0.15))[0] < 0.6


def test_running_sums_have_bands_of_their_own() -> None:
    found = forecast_levels(LEVELS_OF_STORE, series_forecast(), windows(6, 0, 0.15))
    for share in coverage(found, windows(200, 1, 0.15), running=True):
        assert share == pytest.approx(0.8, abs=0.12)


def test_what_was_not_seen_is_neither_expected_nor_missed() -> None:
    past = windows(ORIGINS, 0, 0.0)
    empty = [
        PastForecast(each.mean, np.where(CATEGORY[:, None] == 0, 0, each.actual), each.is_observed) for each in past
    ]
    seen = [PastForecast(p.mean, p.actual, np.repeat((CATEGORY > 0)[:, None], STEPS, axis=1)) for p in empty]
    wide = forecast_levels(LEVELS_OF_STORE, series_forecast(), empty)[0].quantiles
    narrow = forecast_levels(LEVELS_OF_STORE, series_forecast(), seen)[0].quantiles
    assert (narrow[..., HIGH] - narrow[..., LOW]).mean() < 0.5 * (wide[..., HIGH] - wide[..., LOW]).mean()


def test_without_a_past_the_band_is_a_guess_that_contains_the_mean() -> None:
    total = forecast_levels(LEVELS_OF_STORE, series_forecast(), [])[0]
    assert (total.quantiles[..., LOW] < total.mean).all()
    assert (total.quantiles[..., HIGH] > total.mean).all()


def test_a_series_without_a_node_is_in_none() -> None:
    level = HierarchyLevel("category", ("a",), np.array([0, -1]))
    np.testing.assert_array_equal(level.sums(np.array([[1.0, 2.0], [5.0, 5.0]])), [[1, 2]])
