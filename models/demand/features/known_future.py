"""Known-future covariates as features of a target period; nothing beyond the horizon of the row's origin is used."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.demand.prepared_panel import PreparedPanel

LONGEST_RUN: Final = 30
NEAR: Final = {"day": (3, 10), "week": (1, 4), "month": (1, 3)}  # periods around a target
LONG_BREAK: Final = {"day": 5, "week": 2, "month": 2}  # periods of a closure that is longer than a holiday
YEARS_NEEDED: Final = 1.15  # years of past; with less, the position in the year only identifies the training periods
_TINY: Final = 1e-9


class KnownFutureFeatures:
    """Features of rows (series, origin, target) of one panel."""

    def __init__(self, prepared: PreparedPanel) -> None:
        panel = prepared.panel
        self.prepared = prepared
        self.calendar = panel.frequency.calendar(panel.first, prepared.width)
        if panel.periods < YEARS_NEEDED * panel.frequency.year:
            self.calendar = {name: self.calendar[name] for name in self.calendar if name in _WITHIN_A_YEAR}
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


_WITHIN_A_YEAR: Final = (
    "weekday",
    "day_of_month",
    "days_to_month_end",
    "week_of_month",
    "days_in_month",
    "weekend_days",
)


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
        found: np.ndarray = np.minimum(target - last[series, target], 365)
        return found

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
    found: np.ndarray = values[series, target] / np.maximum(before, _TINY)
    return found
