"""Evaluation of trends: discoveries of rises and falls against the sales of the weeks after.

Noise regresses to the mean: later, a false discovery lies on the called side of its own level in half of all cases. A
true trend stays there or goes on. The level moves with the store and with the season of the item's category. Twice the
share of discoveries that lie on the other side estimates the share of false ones.

A method that promises at most 10 % of false discoveries counts one false discovery as the loss of nine true ones. At
this price the discoveries of different methods have comparable values. No discoveries are worth 0; noise is worth less.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import beta

from models.trends.model import Trends
from models.trends.seasonality import YEAR_WEEKS
from models.trends.slopes import store_curve
from models.trends.weekly_sales import WeeklyPanel

NAIVE_WEEKS: Final = 4
NAIVE_CHANGE: Final = 1.25  # the change, as a factor, from which the naive baseline calls a trend
SIGNIFICANCE: Final = 0.05
EVALUATED_SHARE: Final = 10  # one in so many of the series
MIN_EVALUATED: Final = 10
MIN_EXPOSURE: Final = 0.5  # of the later weeks


@dataclass(frozen=True)
class LaterWeeks:
    """Later sales of the series and the sales expected from their level in the window, (series,)."""

    actual: np.ndarray
    expected: np.ndarray
    is_known: np.ndarray  # whether the series was on sale for long enough

    def confirmed_share(self, direction: np.ndarray, rows: np.ndarray) -> float | None:
        """The share of the series at `rows` (indices) that lie on the called side of their level; 0.5 by chance."""
        side = np.sign(self.actual - self.expected)
        return float((side == direction)[rows].mean()) if len(rows) else None

    def decision_values(self, direction: np.ndarray, is_tested: np.ndarray, false_discovery_rate: float) -> np.ndarray:
        """True discoveries less the cost of the false ones, of each tested series, (tested,).

        The mean is the value per 100 series. `direction` 0: no discovery.
        """
        tested = np.flatnonzero(is_tested & self.is_known)
        called = direction[tested] != 0
        is_against = called & (np.sign(self.actual - self.expected)[tested] != direction[tested])
        cost = (1 - false_discovery_rate) / false_discovery_rate
        return np.asarray(100.0 * (called - 2 * (1 + cost) * is_against))

    def min_false_share(self, direction: np.ndarray) -> float:
        """The lower 95 % confidence bound of the share of false discoveries (Clopper and Pearson)."""
        rows = np.flatnonzero(self.is_known & (direction != 0))
        failed = round((1 - (self.confirmed_share(direction, rows) or 0.0)) * len(rows))
        return float(2 * beta.ppf(SIGNIFICANCE, failed, len(rows) - failed + 1)) if failed else 0.0

    def persistence(self, trends: Trends, later: int) -> float | None:
        """The discoveries' change since the middle of the window, relative to the change if the slope goes on."""
        rows = np.flatnonzero((trends.direction != 0) & self.is_known)
        predicted = np.abs(trends.slope[rows]) * (trends.window_weeks + later) / 2
        change = np.log((self.actual + 0.5) / (self.expected + 0.5))[rows] * trends.direction[rows]
        return float(change.sum() / predicted.sum()) if len(rows) else None


def later_weeks(panel: WeeklyPanel, later: int, window: int) -> LaterWeeks:
    """The last `later` weeks of a panel against the `window` weeks before them."""
    units, exposure = panel.units, panel.exposure
    start = panel.weeks - later
    recent, after = slice(start - window, start), slice(start, None)
    curve = store_curve(units[:, start - window :], exposure[:, start - window :])
    level = units[:, recent].sum(axis=1) / np.maximum(exposure[:, recent] @ curve[:window], 1e-9)
    season = _season(units, panel.category, start, later, window)
    expected = level * (exposure[:, after] @ curve[window:]) * season
    actual = units[:, after].sum(axis=1)
    is_known = (exposure[:, after].mean(axis=1) >= MIN_EXPOSURE) & (expected > 0)
    median = float(np.median(actual[is_known] / expected[is_known])) if is_known.any() else 0.0
    return LaterWeeks(actual, expected * (median or 1.0), is_known)  # half of the series lie above


def strongest(evidence: np.ndarray, is_tested: np.ndarray) -> np.ndarray:
    """The indices of the tested series with the strongest evidence; `evidence` (series,), higher is stronger."""
    tested = np.flatnonzero(is_tested)
    count = min(max(len(tested) // EVALUATED_SHARE, MIN_EVALUATED), len(tested))
    return np.asarray(tested[np.argsort(-evidence[tested], kind="stable")[:count]])


def naive_change(units: np.ndarray) -> np.ndarray:
    """The last four weeks against the four before, as a difference of logs, (series,), from (series, weeks)."""
    last, before = units[:, -NAIVE_WEEKS:].sum(axis=1), units[:, -2 * NAIVE_WEEKS : -NAIVE_WEEKS].sum(axis=1)
    return np.asarray(np.log((last + 1) / (before + 1)))


def naive_directions(change: np.ndarray) -> np.ndarray:
    """Directions that the naive baseline calls, (series,): 1, -1, or 0 below NAIVE_CHANGE."""
    return np.where(np.abs(change) >= np.log(NAIVE_CHANGE), np.sign(change), 0).astype(np.int8)


def _season(units: np.ndarray, category: np.ndarray, start: int, later: int, window: int) -> np.ndarray:
    """The ratio of the category's sales in last year's later weeks and window, relative to the store's, (series,)."""
    then = start - YEAR_WEEKS
    if then < window:
        return np.ones(len(units))
    codes = np.where(category >= 0, category, category.max(initial=0) + 1)
    before, after = (
        np.bincount(codes, units[:, weeks].sum(axis=1))
        for weeks in (slice(then - window, then), slice(then, then + later))
    )
    whole = (after.sum() + 1) / (before.sum() + 1)
    season = ((after + 1) / (before + 1) / whole)[codes]
    return np.where(category >= 0, season, 1.0)
