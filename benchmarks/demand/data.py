"""A folder of series as a panel, the three origins from which every method forecasts it, and what a method answers."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from benchmarks.demand.invoices import LINES, find_invoices, read_sales
from benchmarks.demand.meta import Meta, read_meta
from benchmarks.demand.panel_reader import PanelRead, read_panel
from contracts.errors import InputError
from models.demand.frequency import DAY
from models.demand.panel import Panel, demand_class

ORIGINS: Final = 3
SERIES_FILE: Final = "series.parquet"
ATTRIBUTES_FILE: Final = "attributes.parquet"
META_FILE: Final = "meta.json"
INVOICE_HORIZON: Final = 28
MINIMUM_SALES: Final = 20
LEVELS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
MEDIAN: Final = LEVELS.index(0.5)
_SCORED: Final = "is scored"  # the space keeps it apart from columns that a condition can name


@dataclass(frozen=True)
class Origin:
    """What was known at an origin, and the units that followed.

    `past` holds the series that can be forecast; `actual` and `is_scored` are (series, horizon); `demand_class`
    (series,) indexes CLASSES; `categorical` names the covariates and attributes that are codes.
    """

    past: Panel
    actual: np.ndarray
    is_scored: np.ndarray
    demand_class: np.ndarray
    categorical: frozenset[str]

    @property
    def horizon(self) -> int:
        return int(self.actual.shape[1])

    @property
    def begins(self) -> str:
        """The first day that is forecast."""
        return str(self.past.end)


@dataclass(frozen=True)
class Answer:
    """`mean` (series, horizon) and `quantiles` (series, horizon, len(LEVELS)) for LEVELS."""

    mean: np.ndarray
    quantiles: np.ndarray

    @property
    def median(self) -> np.ndarray:
        return self.quantiles[..., MEDIAN]


Method = Callable[[Origin, int, int], Answer]  # takes an origin, a seed and a number of threads


@dataclass(frozen=True)
class DemandData:
    """A whole folder.

    `is_scored` (series, periods) bool; `counts_from` (series,) is the first origin at which a series counts.
    """

    read: PanelRead
    horizon: int
    is_scored: np.ndarray
    counts_from: np.ndarray

    def sampled(self, series: int | None) -> "DemandData":
        """A sample of `series` series, chosen by a hash of their ids; every larger sample contains it."""
        if series is None or series >= self.read.panel.series:
            return self
        if series < 1:
            raise InputError(f"--series is {series}; give 1 or more.")
        hashes = [hashlib.sha256(str(name).encode()).digest() for name in self.read.series_ids.tolist()]
        chosen = np.sort(np.argsort(np.array(hashes, dtype="S32"), kind="stable")[:series])
        read = replace(self.read, panel=self.read.panel.only(chosen), series_ids=self.read.series_ids[chosen])
        return DemandData(read, self.horizon, self.is_scored[chosen], self.counts_from[chosen])

    def origins(self, count: int = ORIGINS) -> Iterator[Origin]:
        """The last `count` horizons, back to back, the earliest first. Raises InputError for too short a past."""
        yield from self._origins(count, ORIGINS)

    def tuning_origins(self, count: int) -> Iterator[Origin]:
        """`count` horizons back to back that end where those of `origins` begin. Raises InputError."""
        yield from self._origins(count + ORIGINS, count + ORIGINS, count)

    def _origins(self, first: int, horizons: int, count: int | None = None) -> Iterator[Origin]:
        panel, horizon = self.read.panel, self.horizon
        if panel.periods < (horizons + 1) * horizon:
            raise InputError(
                f"the series have {panel.periods} {panel.frequency.name}s; {horizons} horizons of {horizon} need "
                f"{(horizons + 1) * horizon} or more. Give a longer past or a shorter horizon."
            )
        for start in (panel.periods - horizon * np.arange(first, 0, -1))[:count]:
            yield self._origin(int(start))

    def _origin(self, start: int) -> Origin:
        panel, span = self.read.panel, slice(start, start + self.horizon)
        is_scored = self.is_scored & panel.is_observed
        can = (self.counts_from <= start) & panel.is_observed[:, :start].any(axis=1) & is_scored[:, span].any(axis=1)
        if not can.any():
            raise InputError(f"no series can be judged from {panel.frequency.date(panel.first, start)} on.")
        past = panel.only(can).before(start)
        return Origin(
            past=past,
            actual=panel.units[can, span],
            is_scored=is_scored[can, span],
            demand_class=demand_class(past, is_scored[can, :start]),
            categorical=frozenset(self.read.categories),
        )


def read_folder(folder: Path, horizon: int | None = None, minimum_sales: int = MINIMUM_SALES) -> DemandData:
    """The folder's series, or its invoices as daily series of items with `minimum_sales` before an origin.

    `horizon` replaces the folder's own. Raises InputError.
    """
    if (folder / SERIES_FILE).exists():
        meta, rows = read_meta(folder / META_FILE), pd.read_parquet(folder / SERIES_FILE)
        attributes = folder / ATTRIBUTES_FILE
        return _from_rows(meta, rows, pd.read_parquet(attributes) if attributes.exists() else None, horizon)
    sales = read_sales(find_invoices(folder))
    often = sales.groupby("series_id")[LINES].transform("sum") >= minimum_sales
    meta = Meta(DAY, INVOICE_HORIZON)
    if not often.any():
        raise InputError(f"no item of {folder} was sold {minimum_sales} times; give fewer with --minimum-sales.")
    data = _from_rows(meta, sales[often], None, horizon)
    return replace(data, counts_from=_reached(sales[often], data.read, minimum_sales))


def _from_rows(meta: Meta, rows: pd.DataFrame, attributes: pd.DataFrame | None, horizon: int | None) -> DemandData:
    condition = meta.score_only_where
    scored = np.ones(len(rows), bool) if condition is None else condition.holds(rows)
    read = read_panel(
        rows.assign(**{_SCORED: scored.astype(np.float32)}), meta.frequency, [*meta.known_future, _SCORED], attributes
    )
    future = dict(read.panel.future)
    is_scored = future.pop(_SCORED)[:, : read.panel.periods]
    # A period without a row counts like any other, unless a condition must hold there.
    is_scored = np.nan_to_num(is_scored, nan=1.0 if condition is None else 0.0) > 0
    read = replace(read, panel=replace(read.panel, future=future))
    return DemandData(read, horizon or meta.horizon, is_scored, np.zeros(read.panel.series, np.int64))


def _reached(sales: pd.DataFrame, read: PanelRead, minimum_sales: int) -> np.ndarray:
    """The first period by which each series has had `minimum_sales` sales, (series,)."""
    ordered = sales.sort_values(["series_id", "date"])
    total = ordered.groupby("series_id")[LINES].cumsum()
    last = ordered[total >= minimum_sales].groupby("series_id")["date"].first().reindex(read.series_ids)
    return read.panel.frequency.period(read.panel.first, last.to_numpy()) + 1
