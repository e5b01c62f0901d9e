"""The null distribution of slopes: how they vary without a trend, learned from the slopes of earlier windows.

Slopes of earlier windows contain what a test for independent counts ignores: orders of many units, autocorrelation,
item-specific seasons. Each series' variance is shrunk towards that of series of similar size, the more so the fewer
windows it has (the moderated t statistic of Smyth, "Linear models and empirical Bayes methods for assessing
differential expression", 2004, with a trend of the variances).
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import digamma, polygamma
from scipy.stats import chi2

from models.trends.slopes import weeks_from_middle

MAX_SQUARE: Final = 6.0  # squared slopes are clipped at so many variances: earlier windows may have true trends
CLIPPED_SHARE: Final = chi2.cdf(MAX_SQUARE, 3) + MAX_SQUARE * chi2.sf(MAX_SQUARE, 1)  # of a normal's variance
ROUNDS: Final = 20
MAX_PRIOR_FREEDOM: Final = 20.0  # degrees of freedom of the prior: its tails stay heavier than the normal's
MIN_WINDOWS_FOR_MEAN: Final = 6
MIN_CLASS_SERIES: Final = 100
MAX_CLASSES: Final = 5
MIN_RELATIVE_VARIANCE: Final = 1e-3  # of a series, relative to the median one


@dataclass(frozen=True)
class NullDistribution:
    """Scaled t distributions: variance = (dispersion x Poisson variance + rate_variance) x the series' own factor."""

    dispersion: float  # of counts, >= 1
    rate_variance: float  # of the true rate, in squared growth per week
    factor: np.ndarray  # (series,)
    freedom: np.ndarray  # (series,) of the t statistic

    def variance(self, poisson_variance: np.ndarray) -> np.ndarray:
        """The variance of each series' slope without a trend, (series,)."""
        return np.asarray((self.dispersion * poisson_variance + self.rate_variance) * self.factor)


def fit_null(past: np.ndarray, poisson_variance: np.ndarray, window_freedom: float) -> NullDistribution:
    """Fit to slopes of earlier windows and their Poisson variances, (series, windows) with NaN where there is none.

    With enough windows, deviations are from the series' own mean, as a series may grow steadily. `window_freedom` is
    the number of independent windows that one of them is worth, as they may overlap.
    """
    windows = (~np.isnan(past)).sum(axis=1)
    has_mean = windows >= MIN_WINDOWS_FOR_MEAN
    mean = np.where(has_mean, np.nansum(past, axis=1) / np.maximum(windows, 1), 0.0)
    remaining = np.where(has_mean, 1 - 1 / np.maximum(window_freedom * windows, 2), 1.0)  # variance about the mean
    squares = (past - mean[:, None]) ** 2 / remaining[:, None]
    is_known = ~np.isnan(squares)
    dispersion, rate_variance = variance_line(squares[is_known], poisson_variance[is_known])
    expected = dispersion * poisson_variance + rate_variance
    own = np.nansum(squares / expected, axis=1) / np.maximum(windows, 1)
    freedom = window_freedom * windows * remaining
    prior_freedom, scale = _prior(own, freedom, np.nanmean(np.where(windows[:, None] > 0, expected, 0.0), axis=1))
    factor = (prior_freedom * scale + freedom * own) / (prior_freedom + freedom)
    return NullDistribution(dispersion, rate_variance, factor, prior_freedom + freedom)


def overlap_freedom(weeks: int, step: int, windows: int) -> float:
    """Independent windows per window, for slopes of `windows` windows, `step` weeks apart, of independent weeks."""
    slope = weeks_from_middle(weeks)
    lags = np.arange(1, min(windows, -(-weeks // step)))  # in steps; windows further apart share no week
    correlation = np.array([float(slope[lag:] @ slope[:-lag]) for lag in lags * step]) / (slope @ slope)
    return float(1 / (1 + 2 * np.sum((1 - lags / windows) * correlation**2)))


def variance_line(squares: np.ndarray, poisson_variance: np.ndarray) -> tuple[float, float]:
    """Dispersion and rate variance: a weighted regression of squared slopes on Poisson variances, (slopes,) each."""
    dispersion, rate_variance = 1.0, 0.0
    for _ in range(ROUNDS):
        expected = dispersion * poisson_variance + rate_variance
        clipped = np.minimum(squares, MAX_SQUARE * expected) / CLIPPED_SHARE
        dispersion, rate_variance = _non_negative_line(poisson_variance, clipped, expected**-2.0)
    return dispersion, rate_variance


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


def _prior(own: np.ndarray, freedom: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Prior freedom and scale, (series,) each, by class of `expected` variance (0: unknown).

    The variances of series with many sales differ truly, those of series with few only by chance.
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
    """Smyth's moment estimates of the prior of the variances: degrees of freedom and scale."""
    if len(own) < 2:
        return 1.0, float(own.mean())
    half = freedom / 2
    logs = np.log(np.maximum(own, MIN_RELATIVE_VARIANCE * np.median(own))) - digamma(half) + np.log(half)
    excess = logs.var(ddof=1) - polygamma(1, half).mean()
    prior = 2 * _inverse_trigamma(excess) if excess > 0 else MAX_PRIOR_FREEDOM
    prior = min(prior, MAX_PRIOR_FREEDOM)
    return prior, float(np.exp(logs.mean() + digamma(prior / 2) - np.log(prior / 2)))


def _inverse_trigamma(value: float) -> float:
    """Newton's method on 1 / trigamma, as in Smyth's appendix."""
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        x += trigamma * (1 - trigamma / value) / float(polygamma(2, x))
    return x
