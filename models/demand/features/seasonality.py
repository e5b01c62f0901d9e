"""Seasonal lags: relative sales a year ago and recently, of the series itself and of every group it is in."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.demand.prepared_panel import PreparedPanel

AROUND: Final = {"day": (3, 10), "week": (0, 2), "month": (0, 1)}  # to either side of the period a year ago
BEFORE: Final = {"day": 28, "week": 6, "month": 4}  # a year ago, before the origin's period
RECENT: Final = {"day": (7, 28, 91), "week": (2, 6, 13), "month": (1, 3, 6)}
MIN_SHARE: Final = 0.25  # of a window's periods, at least, must be known


class SeasonalLags:
    """Means over windows of relative units (series, periods): units over effects and the slow level."""

    def __init__(self, prepared: PreparedPanel, relative: np.ndarray) -> None:
        self.prepared = prepared
        self.own = _Windows(relative)
        self.groups = [_Windows(_group_means(relative, codes)) for codes in prepared.groups]

    def columns(self, series: np.ndarray, origin: np.ndarray, target: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Name and values of each feature, one at a time."""
        yield from self._year_ago("own", self.own, series, origin, target)
        for number, (windows, codes) in enumerate(zip(self.groups, self.prepared.groups, strict=True)):
            name, row = f"group_{number}", codes[series]
            yield from self._year_ago(name, windows, row, origin, target)
            for periods in RECENT[self.prepared.panel.frequency.name]:
                yield f"{name}_last_{periods}", windows.mean(row, origin - periods, origin)

    def _year_ago(
        self, name: str, windows: "_Windows", row: np.ndarray, origin: np.ndarray, target: np.ndarray
    ) -> Iterator[tuple[str, np.ndarray]]:
        frequency = self.prepared.panel.frequency
        before = origin - frequency.year
        usual = windows.mean(row, before - BEFORE[frequency.name], before)
        middle = target - frequency.year
        for wide in AROUND[frequency.name]:
            found = windows.mean(row, middle - wide, np.minimum(middle + wide + 1, origin))
            yield f"{name}_year_ago_{wide}", found / np.maximum(usual, 0.05)
        yield f"{name}_year_ago_level", found


class _Windows:
    """Means over any window of periods, from running sums; NaN where too few are known."""

    def __init__(self, values: np.ndarray) -> None:
        rows, periods = values.shape
        known = np.isfinite(values)
        self.sums, self.counts = np.zeros((rows, periods + 1)), np.zeros((rows, periods + 1), dtype=np.int32)
        np.cumsum(np.where(known, values, 0), axis=1, out=self.sums[:, 1:])
        np.cumsum(known, axis=1, out=self.counts[:, 1:])

    def mean(self, row: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        periods = self.sums.shape[1] - 1
        first, last = np.clip(begin, 0, periods), np.clip(end, 0, periods)
        count = self.counts[row, last] - self.counts[row, first]
        total = self.sums[row, last] - self.sums[row, first]
        enough = (count > 0) & (count >= MIN_SHARE * (end - begin))
        return np.where(enough, total / np.maximum(count, 1), np.nan)


def _group_means(relative: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """The mean of a group's known cells per period, (groups, periods)."""
    order = np.argsort(codes, kind="stable")
    begins = np.flatnonzero(np.r_[True, np.diff(codes[order]) > 0])
    known = np.isfinite(relative)[order]
    total = np.add.reduceat(np.where(known, relative[order], 0), begins, axis=0, dtype=np.float64)
    count = np.add.reduceat(known, begins, axis=0, dtype=np.int64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
