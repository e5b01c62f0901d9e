"""What comes back from one year to the next, where it was planted."""

import numpy as np
import pytest

from models.trends.seasonality import MIN_PAIRS, category_slopes, fit_season, has_category_slope
from models.trends.slopes import Slopes

CATEGORIES, EACH = 20, 30
CATEGORY = np.repeat(np.arange(CATEGORIES), EACH)
NOISE = 0.02


def year(season: np.ndarray, seed: int) -> Slopes:
    noise = np.random.default_rng(seed).normal(0, NOISE, len(season))
    return Slopes(season + noise, np.full(len(season), NOISE**2), 0.0)


def of_categories(spread: float) -> np.ndarray:
    return np.repeat(np.random.default_rng(1).normal(0, spread, CATEGORIES), EACH)


def of_items(spread: float) -> np.ndarray:
    return np.random.default_rng(2).normal(0, spread, CATEGORIES * EACH)


def test_a_season_of_categories_comes_back() -> None:
    season = of_categories(0.1)
    now, then = year(season, 3), year(season, 4)
    fitted = fit_season([(now, then)], CATEGORY)
    assert fitted.category_share == pytest.approx(1, abs=0.1)
    left = fitted.deseasonalise(now, then, CATEGORY)
    assert left.relative.std() < 0.03 < now.relative.std()


def test_an_items_own_season_comes_back_as_far_as_years_agree() -> None:
    season = of_items(0.04)
    now, then = year(season, 3), year(season, 4)
    fitted = fit_season([(now, then)], CATEGORY)
    assert fitted.own_variance == pytest.approx(0.04**2, rel=0.2)
    left = fitted.deseasonalise(now, then, CATEGORY).relative
    assert left.std() < 0.85 * now.relative.std()


def test_last_years_noise_is_no_season() -> None:
    nothing = np.zeros(CATEGORIES * EACH)
    now, then = year(nothing, 3), year(nothing, 4)
    fitted = fit_season([(now, then)], CATEGORY)
    left = fitted.deseasonalise(now, then, CATEGORY).relative
    assert left.std() < 1.05 * NOISE
    assert (now.relative - then.relative).std() > 1.3 * NOISE  # the control: last year's slope as it was


def test_what_nobody_knew_a_year_ago_is_told_by_its_category_or_not_at_all() -> None:
    season = of_categories(0.1)
    now, then = year(season, 3), year(season, 4)
    fitted = fit_season([(now, then)], CATEGORY)
    unknown = np.zeros(len(CATEGORY), dtype=bool)
    unknown[0] = True  # one item of category 0, and all of category 1
    unknown[EACH : 2 * EACH] = True
    partly = Slopes(np.where(unknown, np.nan, then.relative), np.where(unknown, np.nan, NOISE**2), 0.0)
    left = fitted.deseasonalise(now, partly, CATEGORY)
    assert left.source[[0, 1, EACH]].tolist() == [1, 0, 2]
    assert left.relative[EACH : 2 * EACH].mean() == pytest.approx(0, abs=0.01)  # its movement is taken for season
    assert abs(left.relative[0]) < 0.08


def test_without_pairs_nothing_comes_back() -> None:
    fitted = fit_season([], CATEGORY)
    assert (fitted.category_share, fitted.own_variance) == (0.0, 0.0)
    few = Slopes(np.arange(MIN_PAIRS - 1.0), np.ones(MIN_PAIRS - 1), 0.0)
    assert fit_season([(few, few)], np.full(MIN_PAIRS - 1, -1)).own_variance == 0.0


def test_a_categorys_slope_is_its_median_and_a_small_one_has_none() -> None:
    relative = np.array([1.0, 9, 2, 3, 8, 4, np.nan, 5, 6, 7])
    slopes = Slopes(relative, np.where(np.isnan(relative), np.nan, 1.0), 0.0)
    category = np.array([0, 0, 0, 0, 0, 0, 0, 2, 2, -1])
    np.testing.assert_allclose(category_slopes(slopes, category), [3.5] * 7 + [0] * 3)
    assert has_category_slope(slopes, category).tolist() == [True] * 7 + [False] * 3
