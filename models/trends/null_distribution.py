"""How far slopes stray with no trend behind them, learned by taking the same slopes of earlier windows.

An earlier window's slope has all in it that a test for independent counts leaves out: orders of many units, weeks that
hang together, seasons of the item's own. What a series strayed by is drawn towards what series of its size strayed by,
the more so the fewer windows it has (the moderated t statistic of Smyth, "Linear models and empirical Bayes methods for
assessing differential expression", 2004, in which variances follow a trend of their own).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import chi2

from models.trends.slopes import weeks_from_middle

LARGEST_SQUARE: Final = 6.0  # of a slope, in variances: a true trend in an earlier window is not noise
KEPT_SHARE: Final = chi2.cdf(LARGEST_SQUARE, 3) + LARGEST_SQUARE * chi2.sf(LARGEST_SQUARE, 1)  # of a normal's variance
ROUNDS: Final = 20
MOST_FREEDOM: Final = 20.0  # so little as a prior knows, its tail is thicker than the normal's
MIN_WINDOWS_FOR_MEAN: Final = 6
MIN_CLASS_SERIES: Final = 100
MAX_CLASSES: Final = 5
LEAST_SPREAD: Final = 1e-3  # of a series' variance, relative to what was expected


@dataclass(frozen=True)
class SlopeNoise:
    """Variance = (dispersion x Poisson variance + wander) x the series' own factor."""

    dispersion: float  # of counts, >= 1
    wander: float  # of the true rate, in squared growth per week
    factor: np.ndarray  # (series,)
    freedom: np.ndarray  # (series,) of the t statistic

    def variance(self, poisson_variance: np.ndarray) -> np.ndarray:
        """(series,)"""
        variance: np.ndarray = (self.dispersion * poisson_variance + self.wander) * self.factor
        return variance


def fit_noise(past: np.ndarray, poisson_variance: np.ndarray, window_freedom: float) -> SlopeNoise:
    """The noise of slopes from those of earlier windows, both (series, windows) with NaN where there is none.

    A series that always grew is steady in its growth: where it has windows enough, it strays from its own mean.
    `window_freedom` is how many independent windows one of them is worth, as they may overlap.
    """
    windows = (~np.isnan(past)).sum(axis=1)
    has_mean = windows >= MIN_WINDOWS_FOR_MEAN
    mean = np.where(has_mean, np.nansum(past, axis=1) / np.maximum(windows, 1), 0.0)
    left = np.where(has_mean, 1 - 1 / np.maximum(window_freedom * windows, 2), 1.0)  # of the variance, about the mean
    squares = (past - mean[:, None]) ** 2 / left[:, None]
    is_known = ~np.isnan(squares)
    dispersion, wander = noise_line(squares[is_known], poisson_variance[is_known])
    expected = dispersion * poisson_variance + wander
    own = np.nansum(squares / expected, axis=1) / np.maximum(windows, 1)
    freedom = window_freedom * windows * left
    prior_freedom, scale = _by_size(own, freedom, np.nanmean(np.where(windows[:, None] > 0, expected, 0.0), axis=1))
    factor = (prior_freedom * scale + freedom * own) / (prior_freedom + freedom)
    return SlopeNoise(dispersion, wander, factor, prior_freedom + freedom)


def overlap_freedom(weeks: int, step: int, windows: int) -> float:
    """How many independent windows one of `windows` is worth, `step` weeks apart, for a slope of independent weeks."""
    slope = weeks_from_middle(weeks)
    apart = np.arange(1, min(windows, -(-weeks // step)))  # in steps; windows further apart share no week
    alike = np.array([float(slope[lag:] @ slope[:-lag]) for lag in apart * step]) / (slope @ slope)
    return float(1 / (1 + 2 * np.sum((1 - apart / windows) * alike**2)))


def noise_line(squares: np.ndarray, poisson_variance: np.ndarray) -> tuple[float, float]:
    """Dispersion and wander, from squared slopes and their Poisson variance, (slopes,) each: a weighted regression."""
    dispersion, wander = 1.0, 0.0
    for _ in range(ROUNDS):
        expected = dispersion * poisson_variance + wander
        kept = np.minimum(squares, LARGEST_SQUARE * expected) / KEPT_SHARE
        dispersion, wander = _non_negative_line(poisson_variance, kept, expected**-2.0)
    return dispersion, wander


def _non_negative_line(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Slope (at least 1) and intercept (at least 0) of a weighted least-squares line."""
    total = weight.sum()
    x_mean, y_mean = weight @ x / total, weight @ y / total
    spread = weight @ (x - x_mean) ** 2
    slope = max(float(weight @ ((x - x_mean) * (y - y_mean)) / max(spread, 1e-300)), 1.0)
    intercept = y_mean - slope * x_mean
    if intercept >= 0:
        return slope, float(intercept)
    return max(float(weight @ (x * y) / (weight @ x**2)), 1.0), 0.0


def _by_size(own: np.ndarray, freedom: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prior freedom and scale, (series,) each, learned among series of like noise; `expected` 0 where none is known.

    What sells much differs from one to the next by how its rate wanders, what sells little only by chance.
    """
    known = np.flatnonzero(freedom > 0)
    known = known[np.argsort(expected[known], kind="stable")]
    classes = np.array_split(known, min(max(len(known) // MIN_CLASS_SERIES, 1), MAX_CLASSES))
    prior, scale = np.ones(len(own)), np.ones(len(own))
    for members in classes:
        prior[members], scale[members] = _prior_freedom(own[members], freedom[members])
    if len(known) and len(known) < len(own):
        others = np.setdiff1d(np.arange(len(own)), known)
        prior[others], scale[others] = prior[known].min(), scale[known].max()
    return prior, scale


def _prior_freedom(own: np.ndarray, freedom: np.ndarray) -> tuple[float, float]:
    """Smyth's moments: how much the series' true variances differ, as degrees of freedom, and their scale."""
    if len(own) < 2:
        return 1.0, float(own.mean())
    half = freedom / 2
    logs = np.log(np.maximum(own, LEAST_SPREAD * np.median(own))) - digamma(half) + np.log(half)
    beyond = logs.var(ddof=1) - polygamma(1, half).mean()
    prior = 2 * _inverse_trigamma(beyond) if beyond > 0 else MOST_FREEDOM
    prior = min(prior, MOST_FREEDOM)
    return prior, float(np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2)))


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, as in Smyth's appendix."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        x += trigamma * (1 - trigamma / value) / float(polygamma(2, x))
    return x
