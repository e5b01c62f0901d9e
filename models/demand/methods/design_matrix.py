"""The columns of a linear model of demand: what calendar and covariates say of each series and period."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.demand.features.known_future import LONG_BREAK, YEARS_NEEDED
from models.demand.prepared_panel import Cells

NEIGHBOURS: Final = (1, 2, 3)  # periods before and after in which a series is closed
WAVES: Final = 4  # of a year, where a year is not the cycle
YEAR_END: Final = (337, 344, 351, 358)  # days around which the weeks before a year's end lie
_WEEK: Final = 7.0
_YEAR_DAYS: Final = 365.25


class Design:
    """Columns (series, width, columns) float32 for any of a panel's series, up to the horizon of one origin.

    The last one is time, in years from the origin on.
    """

    def __init__(self, cells: Cells, origin: int) -> None:
        self.cells, self.origin = cells, origin
        self.width = min(origin + cells.horizon, cells.width)
        state = cells.main_state
        self.states = 1 if state is None else int(state.max(initial=0)) + 1
        self.sizes = {name: int(codes.max(initial=0)) + 1 for name, codes in cells.states.items()}
        shared = [values[: self.width, None] for values in _year(cells, origin)]
        if cells.month_part is not None:
            shared.append(_indicators(cells.month_part[: self.width]))
        time = (np.arange(self.width) - origin) / cells.panel.frequency.year
        self.shared = np.concatenate([*shared, time[:, None]], axis=1).astype(np.float32)

    def columns(self, series: np.ndarray | slice) -> np.ndarray:
        """Of the chosen series, (chosen, width, columns)."""
        own = list(self._own(series))
        shared = np.broadcast_to(self.shared, (len(own[0]), *self.shared.shape))
        return np.concatenate([*own, shared], axis=2)

    def _own(self, series: np.ndarray | slice) -> Iterator[np.ndarray]:
        cells = self.cells
        closed = cells.closed[series, : self.width]
        place = np.broadcast_to(cells.cycle[: self.width], closed.shape)
        if cells.main_state is not None:
            place = place * self.states + cells.main_state[series, : self.width]
        yield _indicators(place, (int(cells.cycle.max()) + 1) * self.states)
        for name, codes in cells.states.items():
            if name == cells.main:
                continue
            chosen = codes[series, : self.width]
            yield _indicators(chosen, self.sizes[name])[..., 1:]
            for shift in (1, -1):
                yield _shifted(chosen != 0, shift)[..., None].astype(np.float32)
        if cells.closed.any():
            # Of all series, so that every block has the same columns.
            for periods in NEIGHBOURS:
                yield _shifted(closed, periods)[..., None].astype(np.float32)
                yield _shifted(closed, -periods)[..., None].astype(np.float32)
            yield _after_break(closed, LONG_BREAK[cells.panel.frequency.name])[..., None]


def _indicators(codes: np.ndarray, size: int | None = None) -> np.ndarray:
    found: np.ndarray = (codes[..., None] == np.arange(size or int(codes.max()) + 1)).astype(np.float32)
    return found


def _shifted(values: np.ndarray, periods: int) -> np.ndarray:
    """What was so many periods before (negative: will be after); 0 beyond the ends."""
    found = np.zeros_like(values)
    if periods > 0:
        found[:, periods:] = values[:, :-periods]
    else:
        found[:, :periods] = values[:, -periods:]
    return found


def _after_break(closed: np.ndarray, length: int) -> np.ndarray:
    """1 just after a series was closed for at least `length` periods, fading within weeks."""
    place = np.arange(closed.shape[1])
    last_open = np.maximum.accumulate(np.where(closed, -1, place), axis=1)
    is_long = closed & (place - last_open >= length)
    since = place - np.maximum.accumulate(np.where(is_long, place, -10_000), axis=1)
    found: np.ndarray = np.exp(-since / _WEEK).astype(np.float32)
    return found


def _year(cells: Cells, origin: int) -> Iterator[np.ndarray]:
    """Waves of the year and the weeks before its end, (width,) each; none of a short past, or where months tell."""
    panel = cells.panel
    frequency = panel.frequency
    if frequency.year == frequency.cycle or origin < YEARS_NEEDED * frequency.year:
        return
    day = frequency.calendar(panel.first, cells.width)["day_of_year"]
    for wave in range(1, WAVES + 1):
        angle = 2 * np.pi * wave * day / _YEAR_DAYS
        yield np.sin(angle)
        yield np.cos(angle)
    for middle in YEAR_END:
        yield np.maximum(0, 1 - np.abs(day - middle) / _WEEK)
