"""Bands of sums hold what they promise, of rare sales and of many, and not in a world they were not learnt from."""

from collections.abc import Callable

import numpy as np
import pytest

from models.demand.backtest import BacktestRows
from models.demand.forecast import HIGH, LOW
from models.demand.intervals import CumulativeDemand
from models.demand.metrics import coverage
from models.protocol import FitContext

SERIES, WINDOWS, HORIZON = 900, 3, 8
RNG = np.random.default_rng(0)
# From one sale in two periods to 200 in each.
RATE = np.geomspace(0.5, 200, SERIES)
MEAN = np.tile(RATE[:, None], (1, HORIZON))
DEMAND_SIZE, SMOOTH = np.ones(SERIES), np.zeros(SERIES, np.int64)
LEVEL_ERROR = 0.3


def by_chance() -> np.ndarray:
    """Sales that come independently, (series, steps)."""
    return RNG.poisson(MEAN).astype(np.float64)


def wrong_level() -> np.ndarray:
    """Of each series the level is off, by the same share for all sizes, (series, steps)."""
    return MEAN * np.exp(RNG.normal(0, LEVEL_ERROR, (SERIES, 1)))


def both() -> np.ndarray:
    """Sales that come independently, about a level that is off."""
    return RNG.poisson(wrong_level()).astype(np.float64)


def fitted(world: Callable[[], np.ndarray]) -> CumulativeDemand:
    """Fitted on a world, with the true rates as means and without features."""
    window, series, step = (found.ravel() for found in np.indices((WINDOWS, SERIES, HORIZON)))
    units = np.stack([world() for _ in range(WINDOWS)]).ravel()
    origin, mean = window * HORIZON, RATE[series]
    rows = BacktestRows(series, origin, origin + step, window, SMOOTH[series], units, mean)
    features = np.zeros((len(mean), 1), np.float32)
    return CumulativeDemand.fit(rows, DEMAND_SIZE[series], features, HORIZON, FitContext(seed=1, threads=1))


def last_band(fitted_to: CumulativeDemand) -> tuple[np.ndarray, np.ndarray]:
    found = fitted_to.predict(MEAN, DEMAND_SIZE, np.zeros((SERIES, HORIZON, 1), np.float32))[:, -1]
    return found[:, LOW], found[:, HIGH]


@pytest.mark.parametrize("world", [by_chance, wrong_level, both])
def test_bands_of_sums_hold_their_share_small_and_large(world) -> None:
    low, high = last_band(fitted(world))
    later = world().sum(axis=1)
    for part in np.array_split(np.arange(SERIES), 3):
        assert 0.74 <= coverage(later[part], low[part], high[part]) <= 0.87


def test_bands_of_another_world_do_not_hold() -> None:
    low, high = last_band(fitted(by_chance))
    assert coverage(wrong_level().sum(axis=1), low, high) < 0.6
