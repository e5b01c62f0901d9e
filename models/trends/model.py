"""Trends: which series rise or fall beyond season and noise, by how much, with a bound on false discoveries.

A trend is growth over the last weeks, relative to the median series of the store and to last year's same weeks. Its
null distribution is learned from earlier windows (`models.trends.null_distribution`). As many series are tested, the
expected share of false discoveries is bounded (Benjamini and Hochberg, "Controlling the false discovery rate", 1995).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final, Self

import numpy as np
from scipy.ndimage import median_filter
from scipy.stats import norm, t

from contracts.errors import InputError, NotEnoughData
from models.protocol import FitContext
from models.trends.null_distribution import NullDistribution, fit_null, overlap_freedom
from models.trends.seasonality import YEAR_WEEKS, Deseasonalised, Season, fit_season
from models.trends.slopes import Slopes, window_slopes
from models.trends.weekly_sales import WeeklyPanel

PERCENT_WEEKS: Final = 4
MIN_WINDOW_WEEKS: Final = 8
MIN_WEEKS: Final = 2 * MIN_WINDOW_WEEKS  # a window, and one before it to learn the null distribution from
STEP_WEEKS: Final = 4  # between the ends of earlier windows
MIN_YEAR_WINDOWS: Final = 3  # if no more earlier windows have a year before them, windows without one are used too
SPIKE_WEEKS: Final = 5
SPIKE_FACTOR: Final = 1.5
SPIKE_DEVIATIONS: Final = 3.0
INTERVAL: Final = 0.8
MIXTURE_ROUNDS: Final = 50


@dataclass(frozen=True)
class TrendParameters:
    """Every parameter of the trends family."""

    window_weeks: int = 16  # over which growth is measured; half of the history where that is shorter
    history_weeks: int = 116  # read; season needs a year and a window
    false_discovery_rate: float = 0.1  # expected share of false discoveries among those called rising or falling
    min_units: float = 12.0  # in the window; series with fewer are not tested
    min_exposure: float = 0.75  # of the window, in which the item could be bought

    def __post_init__(self) -> None:
        if not MIN_WINDOW_WEEKS <= self.window_weeks <= YEAR_WEEKS:
            allowed = f"{MIN_WINDOW_WEEKS} to {YEAR_WEEKS}"
            raise InputError(f"window_weeks is {self.window_weeks}; allowed are {allowed}.")
        if not 0 < self.false_discovery_rate < 1:
            raise InputError(f"false_discovery_rate is {self.false_discovery_rate}; allowed is between 0 and 1.")
        if self.history_weeks < 2 * self.window_weeks:
            least = 2 * self.window_weeks
            raise InputError(f"history_weeks is {self.history_weeks}; with this window at least {least}.")


@dataclass(frozen=True)
class Trends:
    """Growth per week as differences of logs, (series,) each; NaN where a series has too few sales or is too new.

    `slope` is beyond season and store, shrunk by its uncertainty, with its 80 % interval; `unshrunk` is the slope
    before; `q` is the false-discovery rate at which the series would still be a discovery.
    """

    slope: np.ndarray
    low: np.ndarray
    high: np.ndarray
    unshrunk: np.ndarray
    p: np.ndarray
    q: np.ndarray
    season: np.ndarray
    season_source: np.ndarray  # codes into SEASON_SOURCES
    store: float  # growth of the median series
    window_weeks: int
    direction: np.ndarray  # of discoveries: 1 rising, -1 falling; else 0

    @property
    def is_tested(self) -> np.ndarray:
        """Whether a series has a slope, (series,)."""
        return np.asarray(~np.isnan(self.unshrunk))


@dataclass(frozen=True)
class TrendModel:
    """Season and null distribution of a panel's series, fitted to its earlier windows."""

    season: Season
    null: NullDistribution
    window_weeks: int
    parameters: TrendParameters

    @classmethod
    def fit(cls, panel: WeeklyPanel, parameters: TrendParameters, context: FitContext) -> Self:
        """Fit to all windows of the panel; raises NotEnoughData where it has fewer than MIN_WEEKS weeks."""
        weeks = panel.weeks
        if weeks < MIN_WEEKS:
            raise NotEnoughData(f"there are {weeks} weeks; trends need {MIN_WEEKS}.")
        window = min(parameters.window_weeks, weeks // 2)
        slopes_at = _slopes_by_end(panel, window, parameters)
        past = list(range(weeks - window, window - 1, -STEP_WEEKS))
        with_year = [end for end in [weeks, *past] if end - YEAR_WEEKS >= window]
        season = fit_season([(slopes_at(end), slopes_at(end - YEAR_WEEKS)) for end in with_year], panel.category)
        if len(with_year) > MIN_YEAR_WINDOWS:
            past = with_year[1:]
        earlier = [season.deseasonalise(slopes_at(end), slopes_at(end - YEAR_WEEKS), panel.category) for end in past]
        null = fit_null(
            np.stack([slopes.relative for slopes in earlier], axis=1),
            np.stack([slopes.poisson_variance for slopes in earlier], axis=1),
            overlap_freedom(window, STEP_WEEKS, len(past)),
        )
        return cls(season, null, window, parameters)

    def predict(self, panel: WeeklyPanel) -> Trends:
        """The trends of the panel's last window; the series are those of the fit."""
        slopes_at = _slopes_by_end(panel, self.window_weeks, self.parameters)
        now = slopes_at(panel.weeks)
        return self._discoveries(
            self.season.deseasonalise(now, slopes_at(panel.weeks - YEAR_WEEKS), panel.category), now.store
        )

    def _discoveries(self, slopes: Deseasonalised, store: float) -> Trends:
        unshrunk, variance = slopes.relative, self.null.variance(slopes.poisson_variance)
        p = np.asarray(2 * np.asarray(t.sf(np.abs(unshrunk) / np.sqrt(variance), self.null.freedom)))
        q = discovery_rates(p)
        prior_variance = _trend_variance(unshrunk, variance)
        shrinkage = prior_variance / (prior_variance + variance)
        margin = t.ppf((1 + INTERVAL) / 2, self.null.freedom) * np.sqrt(shrinkage * variance)
        is_discovery = q <= self.parameters.false_discovery_rate  # NaN is not
        return Trends(
            slope=shrinkage * unshrunk,
            low=shrinkage * unshrunk - margin,
            high=shrinkage * unshrunk + margin,
            unshrunk=unshrunk,
            p=p,
            q=q,
            season=slopes.season,
            season_source=slopes.source,
            store=store,
            window_weeks=self.window_weeks,
            direction=np.where(is_discovery, np.sign(unshrunk), 0).astype(np.int8),
        )


def percent(slope: np.ndarray) -> np.ndarray:
    """Growth per week as a difference of logs, as percent per four weeks."""
    return np.asarray(100 * np.expm1(PERCENT_WEEKS * slope))


def without_spikes(units: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Replace weeks that stand out from their neighbours by the usual, (series, weeks): one huge order is no trend.

    The usual is the median of five weeks, or, where that is 0, of all weeks with sales. A week stands out above 1.5
    times the usual plus three Poisson deviations.
    """
    sold = np.where((units > 0) & (exposure > 0), units, np.nan)
    of_all = np.nanmedian(np.where(np.isnan(sold).all(axis=1, keepdims=True), 0.0, sold), axis=1, keepdims=True)
    around = median_filter(units, size=(1, SPIKE_WEEKS), mode="reflect")
    usual = np.where(around > 0, around, of_all)
    return np.where(units > SPIKE_FACTOR * usual + SPIKE_DEVIATIONS * np.sqrt(usual), usual, units)


def discovery_rates(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg's adjusted p-values, (tests,); NaN stays NaN."""
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = p[order] * len(order) / np.arange(1, len(order) + 1)
    q = np.full(len(p), np.nan)
    q[order] = np.minimum(np.minimum.accumulate(adjusted[::-1])[::-1], 1.0)
    return q


def _slopes_by_end(panel: WeeklyPanel, window: int, parameters: TrendParameters) -> Callable[[int], Slopes]:
    """The slopes of the window that ends before week `end`, computed once each; NaN before the history began."""
    units, exposure = without_spikes(panel.units, panel.exposure), panel.exposure

    @cache
    def slopes_at(end: int) -> Slopes:
        if end < window:
            return Slopes(np.full(len(units), np.nan), np.full(len(units), np.nan), 0.0)
        weeks = slice(end - window, end)
        return window_slopes(units[:, weeks], exposure[:, weeks], parameters.min_units, parameters.min_exposure)

    return slopes_at


def _trend_variance(slopes: np.ndarray, variances: np.ndarray) -> float:
    """The variance of true trends, by expectation-maximisation of a mixture of series with and without a trend.

    Without this prior, the slopes of discoveries would be overestimated, as selection favours noise of their sign.
    """
    is_known = ~np.isnan(slopes)
    slope, noise = slopes[is_known], variances[is_known]
    if not len(slope):
        return 0.0
    share, spread = 0.1, max(4 * float(np.median(noise)), 1e-12)
    for _ in range(MIXTURE_ROUNDS):
        with_trend = share * norm.pdf(slope, scale=np.sqrt(noise + spread))
        without = (1 - share) * norm.pdf(slope, scale=np.sqrt(noise))
        probability = with_trend / np.maximum(with_trend + without, 1e-300)
        shrinkage = spread / (spread + noise)
        square = (shrinkage * slope) ** 2 + shrinkage * noise
        share = float(np.clip(probability.mean(), 1e-3, 1.0))
        spread = max(float(probability @ square / max(probability.sum(), 1e-9)), 1e-12)
    return spread
