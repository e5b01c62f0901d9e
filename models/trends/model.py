"""Which series rise or fall beyond season and noise, by how much, and how few of those called so are false alarms.

A trend is growth over the last weeks, relative to the typical series of the store and to what last year's same weeks
did. How large that gets without any trend is learned from the same figure at earlier weeks
(`models.trends.null_distribution`). Of many series some look striking by chance: the calls are bounded together
(Benjamini and Hochberg, "Controlling the false discovery rate", 1995), so that of those called at
most a stated share is expected to be false.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy.ndimage import median_filter
from scipy.stats import norm, t

from models.trends.null_distribution import SlopeNoise, fit_noise, overlap_freedom
from models.trends.seasonality import YEAR_WEEKS, BeyondSeason, fit_season
from models.trends.slopes import Slopes, window_slopes

PERCENT_WEEKS: Final = 4
LEAST_WINDOW_WEEKS: Final = 8
LEAST_WEEKS: Final = 2 * LEAST_WINDOW_WEEKS  # a window, and one before it to learn the noise from
STEP_WEEKS: Final = 4  # between the ends of earlier windows
MIN_YEAR_WINDOWS: Final = 3  # of earlier windows with a year before: fewer say too little of the noise
AROUND_WEEKS: Final = 5
KEPT_SHARE: Final = 1.5
KEPT_ROOTS: Final = 3.0
INTERVAL: Final = 0.8
MIXTURE_ROUNDS: Final = 50


@dataclass(frozen=True)
class TrendParameters:
    """Every parameter of the trends family."""

    window_weeks: int = 16  # over which growth is taken; half of the history where that is shorter
    history_weeks: int = 116  # looked at; a year and a window more tell season
    false_discovery_rate: float = 0.1  # of those called rising or falling, at most so many are expected to be wrong
    min_units: float = 12.0  # in the window; who sold less is not judged
    min_exposure: float = 0.75  # of the window, in which the item could be bought

    def __post_init__(self) -> None:
        if not LEAST_WINDOW_WEEKS <= self.window_weeks <= YEAR_WEEKS:
            allowed = f"{LEAST_WINDOW_WEEKS} to {YEAR_WEEKS}"
            raise ValueError(f"window_weeks is {self.window_weeks}; allowed are {allowed}.")
        if not 0 < self.false_discovery_rate < 1:
            raise ValueError(f"false_discovery_rate is {self.false_discovery_rate}; allowed is between 0 and 1.")
        if self.history_weeks < 2 * self.window_weeks:
            least = 2 * self.window_weeks
            raise ValueError(f"history_weeks is {self.history_weeks}; with this window at least {least}.")


@dataclass(frozen=True)
class Trends:
    """Growth per week as differences of logs, (series,) each; NaN where a series sold too little or is too new.

    `slope` is beyond season and store, drawn towards 0 by as much as it is unsure; `low` and `high` hold the true one
    in 8 of 10 cases; `raw` is the one before; `q` is the false-discovery rate at which it would still be called.
    """

    slope: np.ndarray
    low: np.ndarray
    high: np.ndarray
    raw: np.ndarray
    p: np.ndarray
    q: np.ndarray
    season: np.ndarray
    season_source: np.ndarray  # codes into SEASON_SOURCES
    store: float
    window_weeks: int
    direction: np.ndarray  # 1 rising, -1 falling, 0 neither
    noise: SlopeNoise

    @property
    def is_judged(self) -> np.ndarray:
        """Whether anything is said of a series, (series,)."""
        is_judged: np.ndarray = ~np.isnan(self.raw)
        return is_judged


def percent(slope: np.ndarray) -> np.ndarray:
    """Growth per week as a difference of logs, as percent per four weeks."""
    return np.asarray(100 * np.expm1(PERCENT_WEEKS * slope))


def find_trends(units: np.ndarray, exposure: np.ndarray, category: np.ndarray, parameters: TrendParameters) -> Trends:
    """Trends over the last window.

    Shapes: `units` (series, weeks), 0 where unknown; `exposure` (series, weeks) the share of each week in which demand
    was seen, 0 before a series began; `category` (series,) codes from 0, -1 unknown. Raises ValueError where there are
    fewer than LEAST_WEEKS weeks.
    """
    weeks = units.shape[1]
    if weeks < LEAST_WEEKS:
        raise ValueError(f"there are {weeks} weeks; trends need {LEAST_WEEKS}.")
    window = min(parameters.window_weeks, weeks // 2)
    slopes_at = _slopes_by_end(without_spikes(units, exposure), exposure, window, parameters)
    past = list(range(weeks - window, window - 1, -STEP_WEEKS))
    with_year = [end for end in [weeks, *past] if end - YEAR_WEEKS >= window]
    season = fit_season([(slopes_at(end), slopes_at(end - YEAR_WEEKS)) for end in with_year], category)
    if len(with_year) > MIN_YEAR_WINDOWS:
        past = with_year[1:]

    def beyond_season(end: int) -> BeyondSeason:
        return season.taken_from(slopes_at(end), slopes_at(end - YEAR_WEEKS), category)

    earlier = [beyond_season(end) for end in past]
    noise = fit_noise(
        np.stack([slopes.relative for slopes in earlier], axis=1),
        np.stack([slopes.poisson_variance for slopes in earlier], axis=1),
        overlap_freedom(window, STEP_WEEKS, len(past)),
    )
    return _called(beyond_season(weeks), slopes_at(weeks).store, noise, window, parameters)


def without_spikes(units: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Weeks that stand out from those around them count as usual, (series, weeks): one huge order is no trend.

    Usual is the median of the five weeks around, or where most of those sell nothing, of the weeks with sales. Half as
    much again and three roots of it, as counts stray by their root, do not stand out.
    """
    sold = np.where((units > 0) & (exposure > 0), units, np.nan)
    of_all = np.nanmedian(np.where(np.isnan(sold).all(axis=1, keepdims=True), 0.0, sold), axis=1, keepdims=True)
    around = median_filter(units, size=(1, AROUND_WEEKS), mode="reflect")
    usual = np.where(around > 0, around, of_all)
    return np.where(units > KEPT_SHARE * usual + KEPT_ROOTS * np.sqrt(usual), usual, units)


def discovery_rates(p: np.ndarray) -> np.ndarray:
    """Benjamini-Hochberg's adjusted p, (tests,); NaN stays NaN."""
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = p[order] * len(order) / np.arange(1, len(order) + 1)
    q = np.full(len(p), np.nan)
    q[order] = np.minimum(np.minimum.accumulate(adjusted[::-1])[::-1], 1.0)
    return q


def _slopes_by_end(
    units: np.ndarray, exposure: np.ndarray, window: int, parameters: TrendParameters
) -> Callable[[int], Slopes]:
    """The slopes of the window that ends before week `end`, each taken once; of none before the history began."""

    @cache
    def slopes_at(end: int) -> Slopes:
        if end < window:
            return Slopes(np.full(len(units), np.nan), np.full(len(units), np.nan), 0.0)
        within = slice(end - window, end)
        return window_slopes(units[:, within], exposure[:, within], parameters.min_units, parameters.min_exposure)

    return slopes_at


def _called(now: BeyondSeason, store: float, noise: SlopeNoise, window: int, parameters: TrendParameters) -> Trends:
    raw, variance = now.relative, noise.variance(now.poisson_variance)
    p: np.ndarray = 2 * np.asarray(t.sf(np.abs(raw) / np.sqrt(variance), noise.freedom))
    q = discovery_rates(p)
    spread = _trend_variance(raw, variance)
    share = spread / (spread + variance)
    margin = t.ppf((1 + INTERVAL) / 2, noise.freedom) * np.sqrt(share * variance)
    is_called = q <= parameters.false_discovery_rate  # NaN is not
    return Trends(
        slope=share * raw,
        low=share * raw - margin,
        high=share * raw + margin,
        raw=raw,
        p=p,
        q=q,
        season=now.season,
        season_source=now.source,
        store=store,
        window_weeks=window,
        direction=np.where(is_called, np.sign(raw), 0).astype(np.int8),
        noise=noise,
    )


def _trend_variance(raw: np.ndarray, variance: np.ndarray) -> float:
    """How far true trends spread, where there are any: a mixture of series with and without, by expectation.

    Without a prior, those called are those whose noise pointed the same way: their size would be told too large.
    """
    is_known = ~np.isnan(raw)
    slope, noise = raw[is_known], variance[is_known]
    if not len(slope):
        return 0.0
    share, spread = 0.1, max(4 * float(np.median(noise)), 1e-12)
    for _ in range(MIXTURE_ROUNDS):
        with_trend = share * norm.pdf(slope, scale=np.sqrt(noise + spread))
        without = (1 - share) * norm.pdf(slope, scale=np.sqrt(noise))
        chance = with_trend / np.maximum(with_trend + without, 1e-300)
        kept = spread / (spread + noise)
        square = (kept * slope) ** 2 + kept * noise
        share = float(np.clip(chance.mean(), 1e-3, 1.0))
        spread = max(float(chance @ square / max(chance.sum(), 1e-9)), 1e-12)
    return spread
