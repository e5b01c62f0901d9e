"""Whether trends went on: what was said of rises and falls, against what sold in the weeks after.

A change that stood out by chance falls back: later the item lies above its own level as often as below. A true one
stays or goes on. So each call is looked at in the later weeks: does the item lie on the side that was said, of a level
that moves with the store and with the season of the item's category? As a false alarm does so in half of cases, twice
the share that does not is how many were false.

A method that promises at most a tenth of false alarms holds one as dear as nine right calls; by that price the calls of
different methods can be compared, many or few. Calling nothing is worth nothing, and calling noise is worth less.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import beta

from models.trends.model import Trends
from models.trends.seasonality import YEAR_WEEKS
from models.trends.slopes import store_curve

NAIVE_WEEKS: Final = 4
NAIVE_CHANGE: Final = 1.25  # a change that a shopkeeper would remark upon, as a factor
SURE: Final = 0.05
JUDGED_SHARE: Final = 10  # one in so many of the items
LEAST_JUDGED: Final = 10
LEAST_EXPOSURE: Final = 0.5  # of the later weeks


@dataclass(frozen=True)
class LaterWeeks:
    """What series sold later and what their own level over the window gives, (series,); `is_seen` who can be judged."""

    actual: np.ndarray
    expected: np.ndarray
    is_seen: np.ndarray

    def confirmed_share(self, direction: np.ndarray, chosen: np.ndarray) -> float | None:
        """How many of the chosen (indices) lay on the side of their level that was said; by chance it is half."""
        side = np.sign(self.actual - self.expected)
        return float((side == direction)[chosen].mean()) if len(chosen) else None

    def worth(self, direction: np.ndarray, is_judged: np.ndarray, false_discovery_rate: float) -> float | None:
        """Right calls less what the false ones cost, per 100 judged series; `direction` is 0 where there is no call."""
        judged = is_judged & self.is_seen
        called = np.flatnonzero(judged & (direction != 0))
        confirmed = self.confirmed_share(direction, called) or 0.0
        false = 2 * (1 - confirmed) * len(called)
        cost = (1 - false_discovery_rate) / false_discovery_rate
        return float(100 * (len(called) - false - cost * false) / judged.sum()) if judged.any() else None

    def least_false_share(self, direction: np.ndarray) -> float:
        """The smallest share of false calls that the later weeks allow, in 19 of 20 cases (Clopper and Pearson)."""
        called = np.flatnonzero(self.is_seen & (direction != 0))
        failed = round((1 - (self.confirmed_share(direction, called) or 0.0)) * len(called))
        return float(2 * beta.ppf(SURE, failed, len(called) - failed + 1)) if failed else 0.0

    def kept_share(self, trends: Trends, later: int) -> float | None:
        """The change since the window's middle, as a share of what the called trends made of it going on."""
        called = np.flatnonzero((trends.direction != 0) & self.is_seen)
        told = np.abs(trends.slope[called]) * (trends.window_weeks + later) / 2
        change = np.log((self.actual + 0.5) / (self.expected + 0.5))[called] * trends.direction[called]
        return float(change.sum() / told.sum()) if len(called) else None


def later_weeks(units: np.ndarray, exposure: np.ndarray, category: np.ndarray, later: int, window: int) -> LaterWeeks:
    """The last `later` weeks of units and exposure (series, weeks), against the `window` weeks before them."""
    start = units.shape[1] - later
    recent, after = slice(start - window, start), slice(start, None)
    curve = store_curve(units[:, start - window :], exposure[:, start - window :])
    level = units[:, recent].sum(axis=1) / np.maximum(exposure[:, recent] @ curve[:window], 1e-9)
    expected = level * (exposure[:, after] @ curve[window:]) * _season(units, category, start, later, window)
    actual = units[:, after].sum(axis=1)
    is_seen = (exposure[:, after].mean(axis=1) >= LEAST_EXPOSURE) & (expected > 0)
    middle = float(np.median(actual[is_seen] / expected[is_seen])) if is_seen.any() else 0.0
    return LaterWeeks(actual, expected * (middle or 1.0), is_seen)  # half of the series lie above


def strongest(evidence: np.ndarray, is_judged: np.ndarray) -> np.ndarray:
    """The indices of the judged series with the strongest evidence, (chosen,); `evidence` (series,), higher is more."""
    judged = np.flatnonzero(is_judged)
    count = min(max(len(judged) // JUDGED_SHARE, LEAST_JUDGED), len(judged))
    chosen: np.ndarray = judged[np.argsort(-evidence[judged], kind="stable")[:count]]
    return chosen


def naive_change(units: np.ndarray) -> np.ndarray:
    """The last four weeks against the four before, as a difference of logs, (series,), from (series, weeks)."""
    last, before = units[:, -NAIVE_WEEKS:].sum(axis=1), units[:, -2 * NAIVE_WEEKS : -NAIVE_WEEKS].sum(axis=1)
    return np.asarray(np.log((last + 1) / (before + 1)))


def naive_calls(change: np.ndarray) -> np.ndarray:
    """Directions that the naive eye sees, (series,): 1, -1, or 0 where little changed."""
    return np.where(np.abs(change) >= np.log(NAIVE_CHANGE), np.sign(change), 0).astype(np.int8)


def _season(units: np.ndarray, category: np.ndarray, start: int, later: int, window: int) -> np.ndarray:
    """What the category sold in last year's same weeks against the window before them, relative to all; (series,)."""
    then = start - YEAR_WEEKS
    if then < window:
        return np.ones(len(units))
    codes = np.where(category >= 0, category, category.max(initial=0) + 1)
    before, after = (
        np.bincount(codes, units[:, weeks].sum(axis=1))
        for weeks in (slice(then - window, then), slice(then, then + later))
    )
    whole = (after.sum() + 1) / (before.sum() + 1)
    season: np.ndarray = ((after + 1) / (before + 1) / whole)[codes]
    return np.where(category >= 0, season, 1.0)
