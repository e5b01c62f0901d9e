"""The forest follows what is known of a row, not what only tells windows apart; bands of sums hold their share."""

from collections.abc import Callable

import numpy as np
import pytest

from models.demand.backtest import BacktestRows
from models.demand.forecast import HIGH, LOW, MEDIAN
from models.demand.intervals import CumulativeDemand, fit_quantile_forest
from models.demand.metrics import coverage
from models.protocol import FitContext

ROWS, WINDOWS = 9_000, 3
RNG = np.random.default_rng(0)
FOLD = np.repeat(np.arange(WINDOWS), ROWS // WINDOWS)
NOISY = RNG.integers(0, 2, ROWS)
CENTRE = np.full(ROWS, 100.0)


def features(window: np.ndarray) -> np.ndarray:
    """What tells how noisy a row is, and what is one number for all rows of a window."""
    return np.column_stack([NOISY, window]).astype(np.float32)


def units(width: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.maximum(CENTRE * (1 + width * RNG.normal(size=ROWS)), 0)
    return found


def test_noisier_rows_have_wider_bands_that_hold_their_share() -> None:
    width = np.where(NOISY > 0, 0.3, 0.1)
    forest = fit_quantile_forest(features(FOLD), CENTRE, units(width), FOLD, FitContext(1, 1))
    later, found = units(width), forest.predict(features(FOLD), CENTRE)
    for noisy in (0, 1):
        chosen = noisy == NOISY
        assert 0.77 <= coverage(later[chosen], found[chosen, LOW], found[chosen, HIGH]) <= 0.83


def test_what_is_one_for_all_rows_of_a_window_is_not_learnt_from() -> None:
    quiet = np.where(FOLD == WINDOWS - 1, 0.05, 0.3)  # the last window happened to be an easy one
    forest = fit_quantile_forest(features(FOLD), CENTRE, units(quiet), FOLD, FitContext(1, 1))
    assert forest.columns.tolist() == [0]
    quantiles = forest.predict(features(np.full(ROWS, WINDOWS)), CENTRE)
    assert (quantiles[:, HIGH] - quantiles[:, LOW]).mean() > 30


def test_an_error_that_a_window_shares_widens_the_band_around_a_median_and_does_not_move_it() -> None:
    shared = CENTRE * np.array([0.04, 0.06, 0.08])[FOLD]
    seen, coming = units(np.full(ROWS, 0.05)) + shared, units(np.full(ROWS, 0.05)) - shared  # the other way this time
    held, middle = {}, {}
    for is_median in (True, False):
        forest = fit_quantile_forest(features(FOLD), CENTRE, seen, FOLD, FitContext(1, 1), is_median)
        found = forest.predict(features(FOLD), CENTRE)
        held[is_median] = coverage(coming, found[:, LOW], found[:, HIGH])
        middle[is_median] = float(found[:, MEDIAN].mean())
    assert 0.77 <= held[True] <= 0.83
    np.testing.assert_allclose(middle[True], 100, atol=0.5)
    assert middle[False] > 105  # the control: the sign of three errors is learnt
    assert held[False] < 0.5


def test_quantiles_around_a_median_are_never_below_zero() -> None:
    forest = fit_quantile_forest(features(FOLD), CENTRE, units(np.full(ROWS, 2.0)), FOLD, FitContext(1, 1), True)
    assert forest.predict(features(FOLD), CENTRE).min() == 0


SERIES, HORIZON = 900, 8
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
    """Within .06, and .12 for the large ones of `by_chance`, which share leaves with noisier ones.

    With 20 other seeds the shares were .76 to .84, and those of the large ones by chance .79 to .88.
    """
    low, high = last_band(fitted(world))
    later = np.stack([world().sum(axis=1) for _ in range(30)])  # many, so that only the bands vary by chance
    for place, part in enumerate(np.array_split(np.arange(SERIES), 3)):
        highest = 0.92 if world is by_chance and place == 2 else 0.86
        assert 0.74 <= coverage(later[:, part], low[part], high[part]) <= highest


def test_bands_of_another_world_do_not_hold() -> None:
    low, high = last_band(fitted(by_chance))
    assert coverage(wrong_level().sum(axis=1), low, high) < 0.6
