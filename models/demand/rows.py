"""Training examples: rows of (series, origin, target), with features that were known when the origin began.

All features in units are divided by the series' own level. A series that sells ten times as much in the same pattern
has the same features, and a forecast ten times as large.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from models.demand.panel import PreparedPanel
from models.demand.smoothing import smooth

LONGEST_RUN: Final = 30
NEAR: Final = {"day": (3, 10), "week": (1, 4), "month": (1, 3)}  # periods around a target
LONG_BREAK: Final = {"day": 5, "week": 2, "month": 2}  # periods of a closure that is longer than a holiday
YEARS_NEEDED: Final = 1.15  # years of past; with less, the position in the year only identifies the training periods
AROUND: Final = {"day": (3, 10), "week": (0, 2), "month": (0, 1)}  # to either side of the period a year ago
BEFORE: Final = {"day": 28, "week": 6, "month": 4}  # a year ago, before the origin's period
RECENT: Final = {"day": (7, 28, 91), "week": (2, 6, 13), "month": (1, 3, 6)}
MIN_SHARE: Final = 0.25  # of a window's periods, at least, must be known
_WITHIN_A_YEAR: Final = (
    "weekday",
    "day_of_month",
    "days_to_month_end",
    "week_of_month",
    "days_in_month",
    "weekend_days",
)
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Rows:
    """Rows, all arrays of one length."""

    features: np.ndarray  # (rows, features) float32, in the order of `names`
    names: tuple[str, ...]
    series: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    base: np.ndarray  # units: the forecast of level and effects alone
    level: np.ndarray  # units per period, as known at the origin; above 0
    demand_size: np.ndarray  # units in a period with sales, as known at the origin

    def __len__(self) -> int:
        return len(self.series)

    def only(self, chosen: np.ndarray | slice) -> "Rows":
        """The chosen rows (a mask, indices or a slice)."""
        return Rows(
            self.features[chosen],
            self.names,
            *(
                part[chosen]
                for part in (self.series, self.origin, self.target, self.base, self.level, self.demand_size)
            ),
        )


def build_rows(prepared: PreparedPanel, series: np.ndarray, origin: np.ndarray, target: np.ndarray) -> Rows:
    """Rows of these series, origins and targets, with all features."""
    smoothed = smooth(prepared, series, origin, target)
    columns = chain(
        KnownFutureFeatures(prepared).columns(series, origin, target),
        SeasonalLags(prepared, smoothed.relative).columns(series, origin, target),
    )
    names, found = list(smoothed.names), [smoothed.features]
    for name, values in columns:
        names.append(name)
        found.append(np.asarray(values, dtype=np.float32)[:, None])
    return Rows(
        np.concatenate(found, axis=1),
        tuple(names),
        series,
        origin,
        target,
        smoothed.base,
        smoothed.level,
        smoothed.demand_size,
    )


def sample_training_rows(
    prepared: PreparedPanel, until: int, max_rows: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, origin and target of about `max_rows` of the usable cells before period `until`.

    Each cell is a target at most once, at a random step. A hash of series and period chooses, so that the same panel
    always gives the same rows.
    """
    warm = min(prepared.horizon, until // 4)
    usable = prepared.usable[:, :until].copy()
    usable[:, : warm + 1] = False
    population = int(usable.sum())
    share = min(1.0, max_rows / max(population, 1))
    parts = []
    for block in _blocks(len(usable)):
        row, target = np.nonzero(usable[block])
        series = row + block.start
        hashes = _hash(series, target, seed)
        is_drawn = (hashes & np.uint64(0xFFFFFFFF)) <= np.uint64(int(share * 0xFFFFFFFF))
        series, target, hashes = series[is_drawn], target[is_drawn], hashes[is_drawn]
        # Other bits of the hash choose the step.
        step = 1 + (hashes >> np.uint64(32)).astype(np.int64) % prepared.horizon
        origin = target - step + 1
        is_begun = origin > np.maximum(prepared.first[series], 1)
        parts.append(np.stack([series, origin, target])[:, is_begun])
    series, origin, target = np.concatenate(parts, axis=1)
    return series, origin, target


def forecast_rows(
    prepared: PreparedPanel, origins: np.ndarray, series: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every step from every origin of each series: by origin, then series, then step."""
    steps = np.arange(prepared.horizon)
    origin = np.repeat(origins, len(series) * len(steps))
    chosen = np.tile(np.repeat(series, len(steps)), len(origins))
    return chosen, origin, origin + np.tile(steps, len(series) * len(origins))


def _blocks(series: int, size: int = 2048) -> Iterator[slice]:
    for start in range(0, series, size):
        yield slice(start, min(start + size, series))


def _hash(series: np.ndarray, period: np.ndarray, seed: int) -> np.ndarray:
    """The 64-bit finalizer of splitmix64 over series, period and seed."""
    state = series.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = state ^ (period.astype(np.uint64) + np.uint64(seed)) * np.uint64(0xC2B2AE3D27D4EB4F)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def sample_series(series: int, most: float, seed: int) -> np.ndarray:
    """Indices of about `most` of the series, chosen by hash; all where there are no more."""
    every = np.arange(series)
    hashes = _hash(every, np.zeros_like(every), seed)
    limit = int(min(1.0, most / max(series, 1)) * 0xFFFFFFFF)
    return every[(hashes & np.uint64(0xFFFFFFFF)) <= np.uint64(limit)]


class KnownFutureFeatures:
    """Features of rows (series, origin, target) of one panel."""

    def __init__(self, prepared: PreparedPanel) -> None:
        panel = prepared.panel
        self.prepared, self.calendar = prepared, prepared.calendar
        if panel.periods < YEARS_NEEDED * panel.frequency.year:
            self.calendar = {name: values for name, values in self.calendar.items() if name in _WITHIN_A_YEAR}
        self.values = {name: values[:, : prepared.width] for name, values in panel.future.items()}
        self.runs = {name: _Runs(codes) for name, codes in prepared.categorical.items()}
        if prepared.closed.any():
            self.runs["closed"] = _Runs(prepared.closed)
        self.numeric = {
            name: values
            for name, values in self.values.items()
            if name not in prepared.categorical and _is_numeric(values)
        }

    def columns(self, series: np.ndarray, origin: np.ndarray, target: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
        """Name and values of each feature, one at a time."""
        yield "step", target - origin + 1
        for name, of_period in self.calendar.items():
            yield name, of_period[target]
        last = np.minimum(origin + self.prepared.horizon, self.prepared.width) - 1
        for name, values in self.values.items():
            yield name, values[series, target]
        for name, runs in self.runs.items():
            yield from runs.columns(name, series, target, last, NEAR[self.prepared.panel.frequency.name])
        if "closed" in self.runs:
            long_break = LONG_BREAK[self.prepared.panel.frequency.name]
            yield "since_long_break", self.runs["closed"].since_long(series, target, long_break)
        for name, values in self.numeric.items():
            yield f"{name}_change", _change(values, series, origin, target)
        for name, attribute in self.prepared.panel.attributes.items():
            yield name, attribute[series]


class _Runs:
    """Runs of equal codes of a covariate: how long they have lasted, how long they will, and what is near."""

    def __init__(self, codes: np.ndarray) -> None:
        self.codes = codes
        series, width = codes.shape
        changes = np.ones((series, width + 1), dtype=bool)
        changes[:, 1:-1] = codes[:, 1:] != codes[:, :-1]
        index = np.arange(width + 1, dtype=np.int32)
        self.begin = np.maximum.accumulate(np.where(changes, index, 0), axis=1)[:, :-1]
        ahead = np.where(changes, index, width)[:, ::-1]
        self.end = np.minimum.accumulate(ahead, axis=1)[:, ::-1][:, 1:]
        self.sums = np.zeros((series, width + 1), dtype=np.float32)
        np.cumsum(codes != 0, axis=1, out=self.sums[:, 1:])

    def columns(
        self, name: str, series: np.ndarray, target: np.ndarray, last: np.ndarray, near: tuple[int, int]
    ) -> Iterator[tuple[str, np.ndarray]]:
        begin, end = self.begin[series, target], np.minimum(self.end[series, target], last + 1)
        yield f"{name}_run", np.minimum(target - begin, LONGEST_RUN)
        yield f"{name}_remaining", np.minimum(end - target, LONGEST_RUN)
        yield f"{name}_previous", np.where(begin > 0, self.codes[series, np.maximum(begin - 1, 0)], -1)
        for periods in near:
            yield f"{name}_past_{periods}", self._share(series, np.maximum(target - periods, 0), target)
            ahead = np.minimum(target + 1 + periods, last + 1)
            yield f"{name}_next_{periods}", self._share(series, target + 1, ahead)

    def since_long(self, series: np.ndarray, target: np.ndarray, periods: int) -> np.ndarray:
        """Periods since the last run of at least so many non-zero codes ended, at most 365."""
        length = self.end - self.begin
        index = np.arange(self.codes.shape[1], dtype=np.int32)
        in_long = (self.codes != 0) & (length >= periods)
        last = np.maximum.accumulate(np.where(in_long, index, -10_000), axis=1)
        return np.minimum(target - last[series, target], 365)

    def _share(self, series: np.ndarray, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
        """The share of non-zero codes from `begin` until before `end`; -1 where there are no periods."""
        count = end - begin
        total = self.sums[series, np.maximum(end, begin)] - self.sums[series, begin]
        return np.where(count > 0, total / np.maximum(count, 1), -1)


def _is_numeric(values: np.ndarray) -> bool:
    """Whether a covariate is a positive number that varies, such as a price."""
    finite = values[np.isfinite(values)]
    return bool(finite.size) and float(finite.min()) >= 0 and bool(np.ptp(finite) > 0) and len(np.unique(finite)) > 8


def _change(values: np.ndarray, series: np.ndarray, origin: np.ndarray, target: np.ndarray) -> np.ndarray:
    """A covariate at the target over its value just before the origin."""
    before = values[series, np.maximum(origin - 1, 0)]
    return values[series, target] / np.maximum(before, _TINY)


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
