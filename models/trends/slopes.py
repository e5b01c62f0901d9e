"""How fast each series grows within a window of weeks, beyond what the whole store did in the same weeks.

The slope is that of a Poisson regression with the store's movement as exposure, so that a week in which everything
sold twice as much is no growth of anything; and the typical series has slope 0, so that a few that soar do not make
all the others look as if they fell.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

PSEUDO_UNITS: Final = 1.0  # units that moved as the store did, added to each series: no slope is infinite
STEPS: Final = 12  # of Newton's method
LARGEST_STEP: Final = 0.5
LARGEST_SLOPE: Final = 1.0  # a factor of 55 in four weeks
MIN_SERIES_TO_CENTRE: Final = 20
TINY: Final = 1e-12


@dataclass(frozen=True)
class Slopes:
    """Growth per week as a difference of logs, (series,): NaN where a window says too little.

    `poisson_variance` is what the slope's variance would be if the units were independent counts; `store` is the
    growth per week of the typical series.
    """

    relative: np.ndarray
    poisson_variance: np.ndarray
    store: float

    @property
    def is_judged(self) -> np.ndarray:
        """Whether there is a slope, (series,)."""
        is_judged: np.ndarray = ~np.isnan(self.relative)
        return is_judged


def window_slopes(units: np.ndarray, exposure: np.ndarray, min_units: float, min_exposure: float) -> Slopes:
    """Slopes of the series that sold enough, and could be bought for long enough, in the window.

    Shapes: `units` (series, weeks) with 0 where unknown; `exposure` (series, weeks) the share of each week in which
    demand was seen; `min_exposure` the least mean of it over the window.
    """
    is_judged = (units.sum(axis=1) >= min_units) & (exposure.mean(axis=1) >= min_exposure)
    relative, variance = np.full(len(units), np.nan), np.full(len(units), np.nan)
    if not is_judged.any():
        return Slopes(relative, variance, 0.0)
    curve = store_curve(units[is_judged], exposure[is_judged])
    slope, information = _tilts(units[is_judged], exposure[is_judged] * curve)
    centre = typical_slope(slope)
    relative[is_judged], variance[is_judged] = slope - centre, 1 / information
    store, _ = _tilts(curve[None] * TINY**-1, np.ones((1, len(curve))))
    return Slopes(relative, variance, float(store[0] + centre))


def store_curve(units: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """How the store moved, (weeks,), 1 on average: a series counts by the root of what it sells."""
    level = units.sum(axis=1) / np.maximum(exposure.sum(axis=1), TINY)
    weight = 1 / np.sqrt(np.maximum(level, TINY))
    curve: np.ndarray = (weight @ units) / np.maximum((weight * level) @ exposure, TINY)
    return curve


def weeks_from_middle(weeks: int) -> np.ndarray:
    """Week numbers of a window, (weeks,), 0 in its middle."""
    return np.arange(weeks) - (weeks - 1) / 2


def _tilts(units: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The growth that tilts what was expected into what was sold, and its information; (series,) each."""
    week = weeks_from_middle(units.shape[1])
    shape = expected / np.maximum(expected.sum(axis=1, keepdims=True), TINY)
    padded = units + PSEUDO_UNITS * shape
    total = padded.sum(axis=1)
    wanted = padded @ week / total
    slope = np.zeros(len(units))
    for _ in range(STEPS):
        mean, variance = _tilted(shape, slope, week)
        slope += np.clip((wanted - mean) / variance, -LARGEST_STEP, LARGEST_STEP)
        slope = np.clip(slope, -LARGEST_SLOPE, LARGEST_SLOPE)
    return slope, total * _tilted(shape, slope, week)[1]


def _tilted(shape: np.ndarray, slope: np.ndarray, week: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tilted = shape * np.exp(slope[:, None] * week)
    tilted /= np.maximum(tilted.sum(axis=1, keepdims=True), TINY)
    mean = tilted @ week
    return mean, np.maximum(tilted @ week**2 - mean**2, 0.1)


def typical_slope(slopes: np.ndarray) -> float:
    """The median of the slopes that are not NaN; 0 where there are too few series for one of them to be typical.

    All count alike: to count what sells more for more would favour what rises.
    """
    known = slopes[~np.isnan(slopes)]
    return float(np.median(known)) if len(known) >= MIN_SERIES_TO_CENTRE else 0.0
