"""What last year's same weeks say of this year's slopes: as much as years have been alike before.

A slope of last year is partly season, which comes back, and partly that year's own noise and trend. How much comes back
is how the two years vary together over all series: categories first, then the series within their category.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.trends.null_distribution import noise_line
from models.trends.slopes import Slopes, typical_slope

YEAR_WEEKS: Final = 52
MIN_CATEGORY_SERIES: Final = 5
MIN_PAIRS: Final = 8  # of both years: below, nothing is known to come back


SEASON_SOURCES: Final = ("item", "category", "none")


@dataclass(frozen=True)
class BeyondSeason:
    """Slopes without season, their Poisson variance, the season's slope, and where that is from; (series,) each."""

    relative: np.ndarray
    poisson_variance: np.ndarray
    season: np.ndarray
    source: np.ndarray  # codes into SEASON_SOURCES


@dataclass(frozen=True)
class Season:
    """How much of last year's slope comes back: of a category's, and of a series' own within its category."""

    category_share: float
    own_variance: float  # of what comes back of a series' own
    dispersion: float  # of last year's slopes within categories: variance = dispersion x Poisson's + wander
    wander: float

    def taken_from(self, now: Slopes, last_year: Slopes, category: np.ndarray) -> BeyondSeason:
        """This year's slopes without what last year's foretell; the typical series has none left.

        Where nothing of a category was known a year ago, all of its present movement is taken for season.
        """
        is_known = has_category_slope(last_year, category)
        then = category_slopes(last_year, category)
        shared = np.where(is_known, self.category_share * then, category_slopes(now, category))
        noise = self.dispersion * last_year.poisson_variance + self.wander
        own_share = np.where(last_year.is_judged, np.clip(self.own_variance / noise, 0, 1), 0.0)
        season = shared + own_share * np.where(last_year.is_judged, last_year.relative - then, 0.0)
        variance = now.poisson_variance + own_share**2 * np.nan_to_num(last_year.poisson_variance)
        source = np.where(last_year.is_judged, 0, np.where(is_known, 1, 2))
        beyond = now.relative - season
        centre = typical_slope(beyond)
        return BeyondSeason(beyond - centre, variance, season + centre, source)


def fit_season(years: Sequence[tuple[Slopes, Slopes]], category: np.ndarray) -> Season:
    """Learn it from windows (this year's, last year's) of the same weeks; without any, nothing comes back."""
    shared = [tuple(_each_category(slopes, category) for slopes in pair) for pair in years]
    own = [tuple(_within(slopes, category) for slopes in pair) for pair in years]
    now, then = (np.concatenate([pair[year] for pair in own]) if own else np.empty(0) for year in (0, 1))
    is_both = ~np.isnan(now) & ~np.isnan(then)
    if is_both.sum() < MIN_PAIRS:
        return Season(0.0, 0.0, 1.0, 0.0)
    poisson = [np.concatenate([pair[year].poisson_variance for pair in years])[is_both] for year in (0, 1)]
    dispersion, wander = noise_line(then[is_both] ** 2, poisson[1])
    weight = 1 / np.prod([dispersion * variance + wander for variance in poisson], axis=0)
    together = float(weight @ (now * then)[is_both] / weight.sum())
    return Season(_share(shared), max(together, 0.0), dispersion, wander)


def category_slopes(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    """Each series' category's median slope, (series,); 0 for category -1, or where too few of it have a slope."""
    known: np.ndarray = np.nan_to_num(np.append(_each_category(slopes, category), 0.0))[category]
    return known


def has_category_slope(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    """Whether the category of each series has a slope, (series,)."""
    known: np.ndarray = ~np.isnan(np.append(_each_category(slopes, category), np.nan))[category]
    return known


def _each_category(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    """Median slopes by category code, NaN where there are too few: what one item does is not its category's doing."""
    is_used = slopes.is_judged & (category >= 0)
    order = np.lexsort((slopes.relative[is_used], category[is_used]))
    slope = slopes.relative[is_used][order]
    codes, every = category[is_used][order], np.arange(category.max(initial=-1) + 1)
    first, stop = np.searchsorted(codes, every, "left"), np.searchsorted(codes, every, "right")
    has_enough = stop - first >= MIN_CATEGORY_SERIES
    low, high = (np.clip((first + stop - back) // 2, 0, max(len(slope) - 1, 0)) for back in (1, 0))
    middle = (slope[low] + slope[high]) / 2 if len(slope) else np.zeros(len(first))
    medians: np.ndarray = np.where(has_enough, middle, np.nan)
    return medians


def _within(slopes: Slopes, category: np.ndarray) -> np.ndarray:
    within: np.ndarray = slopes.relative - category_slopes(slopes, category)
    return within


def _share(shared: Sequence[tuple[np.ndarray, ...]]) -> float:
    """How much of a category's slope comes back: the regression of this year's on last year's, between 0 and 1."""
    now, then = (np.concatenate([pair[year] for pair in shared]) for year in (0, 1))
    is_both = ~np.isnan(now) & ~np.isnan(then)
    if is_both.sum() < MIN_PAIRS:
        return 0.0
    return float(np.clip(now[is_both] @ then[is_both] / max(then[is_both] @ then[is_both], 1e-300), 0, 1))
