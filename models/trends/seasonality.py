"""Seasonality of slopes: what last year's same weeks predict of this year's, learned from the similarity of past years.

A slope of last year is partly season, which recurs, and partly noise and trend of that year. The share that recurs is
estimated from the covariance of two years over all series: of categories first, then of series within their category.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.trends.null_distribution import variance_line
from models.trends.slopes import Slopes, median_slope

YEAR_WEEKS: Final = 52
MIN_CATEGORY_SERIES: Final = 5
MIN_PAIRS: Final = 8  # series with slopes in both years; with fewer, no season is estimated

SEASON_SOURCES: Final = ("item", "category", "none")


@dataclass(frozen=True)
class Deseasonalised:
    """Slopes without season, their Poisson variance, the season's slope, and its source; (series,) each."""

    relative: np.ndarray
    poisson_variance: np.ndarray
    season: np.ndarray
    source: np.ndarray  # codes into SEASON_SOURCES


@dataclass(frozen=True)
class Season:
    """The share of last year's slope that recurs: of a category's, and of a series' own within its category."""

    category_share: float
    own_variance: float  # of the recurring part of a series' own slope
    dispersion: float  # of last year's slopes within categories: variance = dispersion x Poisson's + rate_variance
    rate_variance: float

    def deseasonalise(self, now: Slopes, last_year: Slopes, category: np.ndarray) -> Deseasonalised:
        """This year's slopes less what last year's predict; their median is 0.

        Where a category has no slope of last year, all of its present slope counts as season.
        """
        is_known = has_category_slope(last_year, category)
        then = category_slopes(last_year, category)
        shared = np.where(is_known, self.category_share * then, category_slopes(now, category))
        noise = self.dispersion * last_year.poisson_variance + self.rate_variance
        own_share = np.where(last_year.is_known, np.clip(self.own_variance / noise, 0, 1), 0.0)
        season = shared + own_share * np.where(last_year.is_known, last_year.relative - then, 0.0)
        variance = now.poisson_variance + own_share**2 * np.nan_to_num(last_year.poisson_variance)
        source = np.where(last_year.is_known, 0, np.where(is_known, 1, 2))
        remaining = now.relative - season
        centre = median_slope(remaining)
        return Deseasonalised(remaining - centre, variance, season + centre, source)


def fit_season(years: Sequence[tuple[Slopes, Slopes]], category: np.ndarray) -> Season:
    """Fit to windows (this year's, last year's) of the same weeks; without any, there is no season."""
    shared = [tuple(_by_category(slopes, category) for slopes in pair) for pair in years]
    own = [tuple(_within(slopes, category) for slopes in pair) for pair in years]
    now, then = (np.concatenate([pair[year] for pair in own]) if own else np.empty(0) for year in (0, 1))
    is_both = ~np.isnan(now) & ~np.isnan(then)
    if is_both.sum() < MIN_PAIRS:
        return Season(0.0, 0.0, 1.0, 0.0)
    poisson = [np.concatenate([pair[year].poisson_variance for pair in years])[is_both] for year in (0, 1)]
    dispersion, rate_variance = variance_line(then[is_both] ** 2, poisson[1])
    weight = 1 / np.prod([dispersion * variance + rate_variance for variance in poisson], axis=0)
    covariance = float(weight @ (now * then)[is_both] / weight.sum())
    return Season(_share(shared), max(covariance, 0.0), dispersion, rate_variance)


def category_slopes(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    """Each series' category's median slope, (series,); 0 for category -1, or where too few of it have a slope."""
    return np.asarray(np.nan_to_num(np.append(_by_category(slopes, category), 0.0))[category])


def has_category_slope(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    """Whether the category of each series has a slope, (series,)."""
    return np.asarray(~np.isnan(np.append(_by_category(slopes, category), np.nan))[category])


def _by_category(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    """Median slopes by category code, (categories,); NaN where fewer than MIN_CATEGORY_SERIES have a slope."""
    is_used = slopes.is_known & (category >= 0)
    order = np.lexsort((slopes.relative[is_used], category[is_used]))
    slope = slopes.relative[is_used][order]
    codes, every = category[is_used][order], np.arange(category.max(initial=-1) + 1)
    first, stop = np.searchsorted(codes, every, "left"), np.searchsorted(codes, every, "right")
    has_enough = stop - first >= MIN_CATEGORY_SERIES
    low, high = (np.clip((first + stop - back) // 2, 0, max(len(slope) - 1, 0)) for back in (1, 0))
    middle = (slope[low] + slope[high]) / 2 if len(slope) else np.zeros(len(first))
    return np.where(has_enough, middle, np.nan)


def _within(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    return np.asarray(slopes.relative - category_slopes(slopes, category))


def _share(shared: Sequence[tuple[np.ndarray, ...]]) -> float:
    """The share of a category's slope that recurs: the regression of this year's on last year's, between 0 and 1."""
    now, then = (np.concatenate([pair[year] for pair in shared]) for year in (0, 1))
    is_both = ~np.isnan(now) & ~np.isnan(then)
    if is_both.sum() < MIN_PAIRS:
        return 0.0
    return float(np.clip(now[is_both] @ then[is_both] / max(then[is_both] @ then[is_both], 1e-300), 0, 1))
