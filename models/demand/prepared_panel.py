"""A panel made ready to learn from: which cells count, and codes for the states of its calendar and covariates."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.closed import closed_periods
from models.demand.panel import Panel, first_sale

MAX_STATES: Final = 4  # a covariate with more values (beside closing ones) is a measure, not a state
MAX_GROUPS: Final = 6
MONTH_PARTS: Final = 11
DENSE_SHARE: Final = 0.95  # series that sell in so many of their periods can be looked at through logarithms


@dataclass(frozen=True)
class Cells:
    """What a panel looks like to the models; `width` is periods + horizon, or as far as covariates go.

    `counts` (series, periods): seen, open, and not before the first sale. `closed` (series, width). `cycle` (width,)
    the position in the cycle. `states` by covariate (series, width) codes. `main` names the state that moves demand
    most, None without any. `month_part` (width,), by days only: the part of the month. `groups` (columns, series).
    """

    panel: Panel
    horizon: int
    first: np.ndarray
    counts: np.ndarray
    closed: np.ndarray
    cycle: np.ndarray
    states: dict[str, np.ndarray]
    main: str | None
    month_part: np.ndarray | None
    groups: np.ndarray

    @property
    def width(self) -> int:
        return len(self.cycle)

    @property
    def main_state(self) -> np.ndarray | None:
        return None if self.main is None else self.states[self.main]

    @property
    def is_dense(self) -> np.ndarray:
        """Whether each series sells in nearly all of its periods that count, (series,)."""
        sold = ((self.panel.units > 0) & self.counts).sum(axis=1)
        dense: np.ndarray = sold >= DENSE_SHARE * np.maximum(self.counts.sum(axis=1), 1)
        return dense


def cells_of(
    panel: Panel, horizon: int, closing: dict[str, tuple[float, ...]], main: str | None, values: dict[str, np.ndarray]
) -> Cells:
    """`closing` are the values that close a series, `values` each state's values in the order of its codes."""
    width = panel.periods + (horizon if panel.ahead is None else min(horizon, panel.ahead))
    closed = closed_periods(panel, closing, width)
    first = first_sale(panel)
    period = np.arange(panel.periods)
    counts = panel.is_known & ~closed[:, : panel.periods] & (period >= first[:, None])
    states = {name: _codes(panel.future[name][:, :width], known) for name, known in values.items()}
    calendar = panel.frequency.calendar(panel.first, width)
    return Cells(
        panel=panel,
        horizon=horizon,
        first=first,
        counts=counts,
        closed=closed,
        cycle=_cycle(calendar),
        states=states,
        main=main,
        month_part=_month_part(calendar),
        groups=_groups(panel),
    )


def state_values(panel: Panel, closing: dict[str, tuple[float, ...]]) -> dict[str, np.ndarray]:
    """By covariate with few values beside the closing ones: these values, sorted."""
    found = {}
    open_cells = ~closed_periods(panel, closing, panel.periods) & panel.is_known
    for name, future in panel.future.items():
        seen = future[:, : panel.periods][open_cells]
        values = np.unique(seen[np.isfinite(seen)])
        if 1 < len(values) <= MAX_STATES:
            found[name] = values
    return found


def main_state(panel: Panel, closing: dict[str, tuple[float, ...]], values: dict[str, np.ndarray]) -> str | None:
    """The state whose values part the units most, relative to each series' mean; None without states."""
    counts = panel.is_known & ~closed_periods(panel, closing, panel.periods)
    level = (panel.units * counts).sum(axis=1) / np.maximum(counts.sum(axis=1), 1)
    relative = (panel.units / np.maximum(level, 1e-9)[:, None])[counts]
    spread = {name: _between(relative, panel.future[name][:, : panel.periods][counts], values[name]) for name in values}
    return max(spread, key=lambda name: spread[name]) if spread else None


def _between(relative: np.ndarray, seen: np.ndarray, values: np.ndarray) -> float:
    """The variance of a state's means, weighted by its cells."""
    code = np.searchsorted(values, np.nan_to_num(seen, nan=float(values[0])))
    code = np.minimum(code, len(values) - 1)
    cells = np.bincount(code, minlength=len(values))
    means = np.bincount(code, relative, minlength=len(values)) / np.maximum(cells, 1)
    return float(np.average(np.square(means - relative.mean()), weights=cells))


def _codes(future: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The place of the nearest known value; the first for a missing one."""
    filled = np.nan_to_num(future, nan=float(values[0]))
    above = np.clip(np.searchsorted(values, filled), 1, len(values) - 1)
    nearer_below = filled - values[above - 1] <= values[above] - filled
    codes: np.ndarray = (above - nearer_below).astype(np.int8)
    return codes


def _cycle(calendar: dict[str, np.ndarray]) -> np.ndarray:
    name = next(name for name in ("weekday", "week_of_year", "month") if name in calendar)
    return calendar[name].astype(np.int64)


def _month_part(calendar: dict[str, np.ndarray]) -> np.ndarray | None:
    """Days by thirds of ten from a month's start, its last two days apart."""
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
