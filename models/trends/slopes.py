"""Growth of each series within a window of weeks, relative to the whole store in the same weeks.

The slope is that of a Poisson regression with the store's sales as exposure: a week in which everything sells twice as
much is no growth of any series. Slopes are centred at their median, so that a few that rise do not make all others
look as if they fell.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

PSEUDO_UNITS: Final = 1.0  # added to each series in the shape of the store's sales, so that no slope is infinite
STEPS: Final = 12  # of Newton's method
MAX_STEP: Final = 0.5
MAX_SLOPE: Final = 1.0  # a factor of 55 in four weeks
MIN_SERIES_TO_CENTRE: Final = 20
TINY: Final = 1e-12


@dataclass(frozen=True)
class Slopes:
    """Growth per week as a difference of logs, (series,); NaN where a window has too little data.

    `poisson_variance` is the slope's variance if units were independent counts; `store` is the growth per week of the
    median series.
    """

    relative: np.ndarray
    poisson_variance: np.ndarray
    store: float

    @property
    def is_known(self) -> np.ndarray:
        """Whether there is a slope, (series,)."""
        return np.asarray(~np.isnan(self.relative))


def window_slopes(units: np.ndarray, exposure: np.ndarray, min_units: float, min_exposure: float) -> Slopes:
    """Slopes of the series with at least `min_units` and a mean exposure of at least `min_exposure` in the window.

    `units` and `exposure` (series, weeks) as in WeeklyPanel.
    """
    is_known = (units.sum(axis=1) >= min_units) & (exposure.mean(axis=1) >= min_exposure)
    relative, variance = np.full(len(units), np.nan), np.full(len(units), np.nan)
    if not is_known.any():
        return Slopes(relative, variance, 0.0)
    curve = store_curve(units[is_known], exposure[is_known])
    slope, information = _poisson_slopes(units[is_known], exposure[is_known] * curve)
    centre = median_slope(slope)
    relative[is_known], variance[is_known] = slope - centre, 1 / information
    store, _ = _poisson_slopes(curve[None] * TINY**-1, np.ones((1, len(curve))))
    return Slopes(relative, variance, float(store[0] + centre))


def store_curve(units: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """The store's sales per week, (weeks,), 1 on average; a series counts by the square root of its mean sales."""
    level = units.sum(axis=1) / np.maximum(exposure.sum(axis=1), TINY)
    weight = 1 / np.sqrt(np.maximum(level, TINY))
    return np.asarray((weight @ units) / np.maximum((weight * level) @ exposure, TINY))


def weeks_from_middle(weeks: int) -> np.ndarray:
    """Week numbers of a window, (weeks,), 0 in its middle."""
    return np.arange(weeks) - (weeks - 1) / 2


def _poisson_slopes(units: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Maximum-likelihood growth per week given the expected units, and its Fisher information; (series,) each."""
    week = weeks_from_middle(units.shape[1])
    shape = expected / np.maximum(expected.sum(axis=1, keepdims=True), TINY)
    padded = units + PSEUDO_UNITS * shape
    total = padded.sum(axis=1)
    wanted = padded @ week / total
    slope = np.zeros(len(units))
    for _ in range(STEPS):
        mean, variance = _moments(shape, slope, week)
        slope += np.clip((wanted - mean) / variance, -MAX_STEP, MAX_STEP)
        slope = np.clip(slope, -MAX_SLOPE, MAX_SLOPE)
    return slope, total * _moments(shape, slope, week)[1]


def _moments(shape: np.ndarray, slope: np.ndarray, week: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    tilted = shape * np.exp(slope[:, None] * week)
    tilted /= np.maximum(tilted.sum(axis=1, keepdims=True), TINY)
    mean = tilted @ week
    return mean, np.maximum(tilted @ week**2 - mean**2, 0.1)


def median_slope(slopes: np.ndarray) -> float:
    """The median of the slopes that are not NaN; 0 where there are fewer than MIN_SERIES_TO_CENTRE.

    Unweighted: weights by sales would favour series that rise.
    """
    known = slopes[~np.isnan(slopes)]
    return float(np.median(known)) if len(known) >= MIN_SERIES_TO_CENTRE else 0.0
