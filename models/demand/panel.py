"""A panel: units of every series in every period, which of them were observed, and what is known of the future.

A cell that was not observed is not a zero. Demand is not observed before a series begins, while it is out of stock, or
where the record is missing. A closed day is not a day of low demand either. What closes a series is learned from the
known-future covariates. A series has a class of demand: how often it sells, and how evenly.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from contracts.errors import InputError
from models.demand.frequency import Frequency

MAX_CATEGORIES: Final = 4  # a covariate with more values (beside closing ones) is numeric
MAX_GROUPS: Final = 6
MONTH_PARTS: Final = 11
DENSE_SHARE: Final = 0.95  # series that sell in so many of their periods can be modelled in logarithms
MAX_CLOSING_VALUES: Final = 16  # a covariate with more distinct values is numeric and closes nothing
MIN_CLOSING_CELLS: Final = 30
MAX_SOLD: Final = 0.005  # share of a value's cells that sold at all
MIN_SOLD_ELSEWHERE: Final = 0.3  # where the other cells seldom sell either, a value without sales proves little
# Syntetos, Boylan & Croston (2005), "On the categorization of demand patterns".
ADI_CUT: Final = 1.32  # periods between sales, on average
CV2_CUT: Final = 0.49  # squared coefficient of variation of the units in periods with sales
CLASSES: Final = ("smooth", "erratic", "intermittent", "lumpy", "new", "all_zero")
NEW: Final = CLASSES.index("new")
ALL_ZERO: Final = CLASSES.index("all_zero")
_SAMPLE: Final = 2_000_000
_TINY: Final = 1e-12


@dataclass(frozen=True)
class Panel:
    """Series by periods; the first column is the period that begins at `first`.

    Shapes: `units` (series, periods) float32 >= 0, 0 where nothing sold; `is_observed` (series, periods) bool, False
    where demand was not observed; `future` known-future covariates (series, periods + ahead) float32, categories as
    codes, NaN unknown; `attributes` (series,) float32, numbers or codes, NaN unknown; `groups` (series,) int codes, -1
    for none.

    Raises InputError where shapes differ or units are negative or not finite.
    """

    units: np.ndarray
    is_observed: np.ndarray
    first: np.datetime64
    frequency: Frequency
    future: Mapping[str, np.ndarray] = field(default_factory=dict)
    attributes: Mapping[str, np.ndarray] = field(default_factory=dict)
    groups: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.units.ndim != 2 or self.is_observed.shape != self.units.shape:
            raise InputError(
                "a panel needs units and is_observed of one shape (series, periods); given were "
                f"{self.units.shape} and {self.is_observed.shape}."
            )
        if self.units.size and not (np.isfinite(self.units).all() and (self.units >= 0).all()):
            raise InputError("a panel's units must be finite and 0 or more; where demand was not observed, give 0.")
        for name, values in self.future.items():
            if values.ndim != 2 or values.shape[0] != self.series or values.shape[1] < self.periods:
                raise InputError(
                    f"covariate {name!r} has shape {values.shape}; it needs {self.series} series and at least "
                    f"{self.periods} periods."
                )
        for name, values in {**self.attributes, **self.groups}.items():
            if values.shape != (self.series,):
                raise InputError(f"attribute or group {name!r} has shape {values.shape}; it needs ({self.series},).")

    @property
    def series(self) -> int:
        return int(self.units.shape[0])

    @property
    def periods(self) -> int:
        return int(self.units.shape[1])

    @property
    def end(self) -> np.datetime64:
        """The first day after the panel's last period: where a forecast begins."""
        return np.datetime64(self.frequency.date(self.first, self.periods).item(), "D")

    @property
    def ahead(self) -> int | None:
        """For how many periods after the last every covariate is given; None where the panel has no covariates."""
        return min((values.shape[1] - self.periods for values in self.future.values()), default=None)

    @property
    def first_sale(self) -> np.ndarray:
        """Each series' first period with sales, (series,) int64; `periods` where it never sold."""
        sold = self.units > 0
        return np.where(sold.any(axis=1), sold.argmax(axis=1), self.periods)

    @property
    def is_count(self) -> np.ndarray:
        """Whether each series sold whole units only, (series,) bool; also where it never sold."""
        return np.asarray((self.units == np.floor(self.units)).all(axis=1))

    def before(self, period: int) -> "Panel":
        """The panel as it was known when period number `period` began; what is known of the future stays."""
        return replace(self, units=self.units[:, :period], is_observed=self.is_observed[:, :period])

    def only(self, series: np.ndarray) -> "Panel":
        """The panel of the chosen series (a mask or indices)."""
        return replace(
            self,
            units=self.units[series],
            is_observed=self.is_observed[series],
            future={name: values[series] for name, values in self.future.items()},
            attributes={name: values[series] for name, values in self.attributes.items()},
            groups={name: values[series] for name, values in self.groups.items()},
        )

    def check_ahead(self, horizon: int) -> None:
        """Raise InputError where a covariate is not given for `horizon` periods after the panel's last, or has gaps."""
        for name, values in self.future.items():
            ahead = values.shape[1] - self.periods
            if ahead < horizon:
                last = self.frequency.date(self.first, self.periods + horizon - 1)
                raise InputError(
                    f"covariate {name!r} is known for {ahead} {self.frequency.name}s after the last units; the horizon "
                    f"needs {horizon}, until {last}. Give its values until then, or leave the covariate out."
                )
            missing = np.isnan(values[:, self.periods : self.periods + horizon])
            if missing.any():
                date = self.frequency.date(self.first, self.periods + int(missing.any(axis=0).argmax()))
                raise InputError(
                    f"covariate {name!r} has no value for {int(missing.sum())} cells of the coming {horizon} "
                    f"{self.frequency.name}s, the first on {date}. Give them, or leave the covariate out."
                )


@dataclass(frozen=True)
class PreparedPanel:
    """What the methods see of a panel; `width` is periods + horizon, or as far as covariates go.

    `usable` (series, periods): observed, open, and not before the first sale. `closed` (series, width). `calendar`: its
    columns by name, (width,) each. `cycle` (width,): the position in the cycle. `categorical`: codes by covariate,
    (series, width). `dominant` names the covariate that moves demand most, None without any. `month_part` (width,), for
    days only: the part of the month. `groups` (columns, series).
    """

    panel: Panel
    horizon: int
    first: np.ndarray
    usable: np.ndarray
    closed: np.ndarray
    calendar: dict[str, np.ndarray]
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
        return np.asarray(sold >= DENSE_SHARE * np.maximum(self.usable.sum(axis=1), 1))


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
        first = panel.first_sale
        period = np.arange(panel.periods)
        calendar = panel.frequency.calendar(panel.first, width)
        return PreparedPanel(
            panel=panel,
            horizon=horizon,
            first=first,
            usable=panel.is_observed & ~closed[:, : panel.periods] & (period >= first[:, None]),
            closed=closed,
            calendar=calendar,
            cycle=_cycle(calendar),
            categorical={name: _codes(panel.future[name][:, :width], known) for name, known in self.values.items()},
            dominant=self.dominant,
            month_part=_month_part(calendar),
            groups=_groups(panel),
        )


def demand_class(panel: Panel, usable: np.ndarray | None = None) -> np.ndarray:
    """Each series' index into CLASSES, (series,), from its last year or two since its first sale.

    `usable` (series, periods) bool are the periods that count; None: those that were observed.
    """
    seen = panel.is_observed if usable is None else usable
    first, frequency = panel.first_sale, panel.frequency
    period = np.arange(panel.periods)
    recent = slice(max(panel.periods - frequency.class_periods, 0), None)
    is_recent = (seen & (period >= first[:, None]))[:, recent]
    units = np.where(is_recent, panel.units[:, recent], 0).astype(np.float64)
    sold = np.maximum((units > 0).sum(axis=1), 1)
    mean = units.sum(axis=1) / sold
    cv2 = np.square(units).sum(axis=1) / sold / np.maximum(np.square(mean), _TINY) - 1
    pattern = np.where(is_recent.sum(axis=1) / sold < ADI_CUT, 0, 2) + (cv2 >= CV2_CUT)
    pattern = np.where(panel.periods - first < frequency.new_periods, NEW, pattern)
    return np.where(first == panel.periods, ALL_ZERO, pattern)


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
    return (above - nearer_below).astype(np.int8)


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
