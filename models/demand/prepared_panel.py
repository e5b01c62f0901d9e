"""A panel made ready for the methods: which cells count, and codes for calendar, covariates and groups.

A closed day is not a day of low demand. What closes a series is learned from the known-future covariates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.panel import Panel, first_sale

MAX_CATEGORIES: Final = 4  # a covariate with more values (beside closing ones) is numeric
MAX_GROUPS: Final = 6
MONTH_PARTS: Final = 11
DENSE_SHARE: Final = 0.95  # series that sell in so many of their periods can be modelled in logarithms
MAX_CLOSING_VALUES: Final = 16  # a covariate with more distinct values is numeric and closes nothing
MIN_CLOSING_CELLS: Final = 30
MAX_SOLD: Final = 0.005  # share of a value's cells that sold at all
MIN_SOLD_ELSEWHERE: Final = 0.3  # where the other cells seldom sell either, a value without sales proves little
_SAMPLE: Final = 2_000_000


@dataclass(frozen=True)
class PreparedPanel:
    """What the methods see of a panel; `width` is periods + horizon, or as far as covariates go.

    `usable` (series, periods): observed, open, and not before the first sale. `closed` (series, width). `cycle`
    (width,): the position in the cycle. `categorical`: codes by covariate, (series, width). `dominant` names the
    covariate that moves demand most, None without any. `month_part` (width,), for days only: the part of the month.
    `groups` (columns, series).
    """

    panel: Panel
    horizon: int
    first: np.ndarray
    usable: np.ndarray
    closed: np.ndarray
    cycle: np.ndarray
    categorical: dict[str, np.ndarray]
    dominant: str | None
    month_part: np.ndarray | None
    groups: np.ndarray

    @property
    def width(self) -> int:
        return len(self.cycle)

    @property
    def dominant_codes(self) -> np.ndarray | None:
        return None if self.dominant is None else self.categorical[self.dominant]

    @property
    def is_dense(self) -> np.ndarray:
        """Whether each series sells in nearly all of its usable periods, (series,)."""
        sold = ((self.panel.units > 0) & self.usable).sum(axis=1)
        dense: np.ndarray = sold >= DENSE_SHARE * np.maximum(self.usable.sum(axis=1), 1)
        return dense


@dataclass(frozen=True)
class CategoricalCovariates:
    """What a panel's past says of its covariates, by name.

    `closing` are the values under which nothing sells. `values` are the values of covariates that have few, in the
    order of their codes. `dominant` moves demand most.
    """

    closing: Mapping[str, tuple[float, ...]]
    values: Mapping[str, np.ndarray]
    dominant: str | None

    @classmethod
    def fit(cls, panel: Panel) -> "CategoricalCovariates":
        """Learn from the panel's past."""
        closing = closing_values(panel)
        values = _category_values(panel, closing)
        return cls(closing, values, _dominant(panel, closing, values))

    def prepare(self, panel: Panel, horizon: int) -> PreparedPanel:
        """A panel to learn from, or to forecast `horizon` periods after it."""
        width = panel.periods + (horizon if panel.ahead is None else min(horizon, panel.ahead))
        closed = closed_periods(panel, self.closing, width)
        first = first_sale(panel)
        period = np.arange(panel.periods)
        calendar = panel.frequency.calendar(panel.first, width)
        return PreparedPanel(
            panel=panel,
            horizon=horizon,
            first=first,
            usable=panel.is_observed & ~closed[:, : panel.periods] & (period >= first[:, None]),
            closed=closed,
            cycle=_cycle(calendar),
            categorical={name: _codes(panel.future[name][:, :width], known) for name, known in self.values.items()},
            dominant=self.dominant,
            month_part=_month_part(calendar),
            groups=_groups(panel),
        )


def closing_values(panel: Panel) -> dict[str, tuple[float, ...]]:
    """By covariate, the values under which (nearly) no series ever sold while the others did."""
    found = {}
    units, seen = panel.units, panel.is_observed & (np.cumsum(panel.units, axis=1) > 0)
    stride = max(1, units.size // _SAMPLE)
    cells = np.flatnonzero(seen.ravel())[::stride]
    sold = units.ravel()[cells] > 0
    for name, future in panel.future.items():
        values = np.ascontiguousarray(future[:, : panel.periods]).ravel()[cells]
        distinct, code, counts = np.unique(values, return_inverse=True, return_counts=True)
        if not 1 < len(distinct) <= MAX_CLOSING_VALUES:
            continue
        sales = np.bincount(code, sold)
        elsewhere = (sold.sum() - sales) / np.maximum(len(sold) - counts, 1)
        closes = (counts >= MIN_CLOSING_CELLS) & (sales <= MAX_SOLD * counts) & (elsewhere >= MIN_SOLD_ELSEWHERE)
        if closes.any():
            found[name] = tuple(float(value) for value in distinct[closes] if np.isfinite(value))
    return found


def closed_periods(panel: Panel, closing: Mapping[str, tuple[float, ...]], width: int) -> np.ndarray:
    """Where each series is closed in its first `width` periods, including those ahead: (series, width) bool."""
    closed = np.zeros((panel.series, width), dtype=bool)
    for name, values in closing.items():
        closed |= np.isin(panel.future[name][:, :width], np.array(values, dtype=np.float32))
    return closed


def _category_values(panel: Panel, closing: Mapping[str, tuple[float, ...]]) -> dict[str, np.ndarray]:
    """By covariate with few values beside the closing ones: these values, sorted."""
    found = {}
    open_cells = ~closed_periods(panel, closing, panel.periods) & panel.is_observed
    for name, future in panel.future.items():
        seen = future[:, : panel.periods][open_cells]
        values = np.unique(seen[np.isfinite(seen)])
        if 1 < len(values) <= MAX_CATEGORIES:
            found[name] = values
    return found


def _dominant(panel: Panel, closing: Mapping[str, tuple[float, ...]], values: Mapping[str, np.ndarray]) -> str | None:
    """The covariate whose values differ most in units, relative to each series' mean; None without any."""
    observed = panel.is_observed & ~closed_periods(panel, closing, panel.periods)
    level = (panel.units * observed).sum(axis=1) / np.maximum(observed.sum(axis=1), 1)
    relative = (panel.units / np.maximum(level, 1e-9)[:, None])[observed]
    variance = {
        name: _variance_between(relative, panel.future[name][:, : panel.periods][observed], values[name])
        for name in values
    }
    return max(variance, key=lambda name: variance[name]) if variance else None


def _variance_between(relative: np.ndarray, seen: np.ndarray, values: np.ndarray) -> float:
    """The variance of the values' means, weighted by their cells."""
    code = np.searchsorted(values, np.nan_to_num(seen, nan=float(values[0])))
    code = np.minimum(code, len(values) - 1)
    cells = np.bincount(code, minlength=len(values))
    means = np.bincount(code, relative, minlength=len(values)) / np.maximum(cells, 1)
    return float(np.average(np.square(means - relative.mean()), weights=cells))


def _codes(future: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The index of the nearest known value; the first for a missing one."""
    filled = np.nan_to_num(future, nan=float(values[0]))
    above = np.clip(np.searchsorted(values, filled), 1, len(values) - 1)
    nearer_below = filled - values[above - 1] <= values[above] - filled
    codes: np.ndarray = (above - nearer_below).astype(np.int8)
    return codes


def _cycle(calendar: dict[str, np.ndarray]) -> np.ndarray:
    name = next(name for name in ("weekday", "week_of_year", "month") if name in calendar)
    return calendar[name].astype(np.int64)


def _month_part(calendar: dict[str, np.ndarray]) -> np.ndarray | None:
    """Blocks of three days from a month's start; its last two days are a block of their own."""
    if "day_of_month" not in calendar:
        return None
    part = np.minimum((calendar["day_of_month"] - 1) // 3, MONTH_PARTS - 2)
    return np.where(calendar["days_to_month_end"] < 2, MONTH_PARTS - 1, part).astype(np.int64)


def _groups(panel: Panel) -> np.ndarray:
    """All series as one group, then the panel's groups, those with the fewest values first."""
    rows = [np.zeros(panel.series, dtype=np.int64)]
    codes = [np.unique(values, return_inverse=True)[1].astype(np.int64) for values in panel.groups.values()]
    several = [code for code in codes if code.max(initial=0) > 0]
    rows += sorted(several, key=lambda code: int(code.max()))[:MAX_GROUPS]
    return np.stack(rows)
