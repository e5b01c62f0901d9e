"""The design matrix of a linear model of demand: indicators of calendar and covariates by series and period."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from models.demand.features.known_future import LONG_BREAK, YEARS_NEEDED
from models.demand.prepared_panel import PreparedPanel

NEIGHBOURS: Final = (1, 2, 3)  # periods before and after in which a series is closed
WAVES: Final = 4  # Fourier terms of a year, where a year is not the cycle
YEAR_END: Final = (337, 344, 351, 358)  # days around which the weeks before a year's end lie
_WEEK: Final = 7.0
_YEAR_DAYS: Final = 365.25


class DesignMatrix:
    """Columns (series, width, columns) float32 for any of a panel's series, up to the horizon of one origin.

    The last one is time, in years from the origin on.
    """

    def __init__(self, prepared: PreparedPanel, origin: int) -> None:
        self.prepared, self.origin = prepared, origin
        self.width = min(origin + prepared.horizon, prepared.width)
        dominant = prepared.dominant_codes
        self.categories = 1 if dominant is None else int(dominant.max(initial=0)) + 1
        self.sizes = {name: int(codes.max(initial=0)) + 1 for name, codes in prepared.categorical.items()}
        shared = [values[: self.width, None] for values in _year(prepared, origin)]
        if prepared.month_part is not None:
            shared.append(_indicators(prepared.month_part[: self.width]))
        time = (np.arange(self.width) - origin) / prepared.panel.frequency.year
        self.shared = np.concatenate([*shared, time[:, None]], axis=1).astype(np.float32)

    def columns(self, series: np.ndarray | slice) -> np.ndarray:
        """Of the chosen series, (chosen, width, columns)."""
        own = list(self._own(series))
        shared = np.broadcast_to(self.shared, (len(own[0]), *self.shared.shape))
        return np.concatenate([*own, shared], axis=2)

    def _own(self, series: np.ndarray | slice) -> Iterator[np.ndarray]:
        prepared = self.prepared
        closed = prepared.closed[series, : self.width]
        position = np.broadcast_to(prepared.cycle[: self.width], closed.shape)
        if prepared.dominant_codes is not None:
            position = position * self.categories + prepared.dominant_codes[series, : self.width]
        yield _indicators(position, (int(prepared.cycle.max()) + 1) * self.categories)
        for name, codes in prepared.categorical.items():
            if name == prepared.dominant:
                continue
            chosen = codes[series, : self.width]
            yield _indicators(chosen, self.sizes[name])[..., 1:]
            for shift in (1, -1):
                yield _shifted(chosen != 0, shift)[..., None].astype(np.float32)
        if prepared.closed.any():
            # Any series decides, so that every block has the same columns.
            for periods in NEIGHBOURS:
                yield _shifted(closed, periods)[..., None].astype(np.float32)
                yield _shifted(closed, -periods)[..., None].astype(np.float32)
            yield _after_break(closed, LONG_BREAK[prepared.panel.frequency.name])[..., None]


def _indicators(codes: np.ndarray, size: int | None = None) -> np.ndarray:
    found: np.ndarray = (codes[..., None] == np.arange(size or int(codes.max()) + 1)).astype(np.float32)
    return found


def _shifted(values: np.ndarray, periods: int) -> np.ndarray:
    """The values so many periods earlier (negative: later); 0 beyond the ends."""
    found = np.zeros_like(values)
    if periods > 0:
        found[:, periods:] = values[:, :-periods]
    else:
        found[:, :periods] = values[:, -periods:]
    return found


def _after_break(closed: np.ndarray, length: int) -> np.ndarray:
    """1 just after a series was closed for at least `length` periods, fading within weeks."""
    index = np.arange(closed.shape[1])
    last_open = np.maximum.accumulate(np.where(closed, -1, index), axis=1)
    is_long = closed & (index - last_open >= length)
    since = index - np.maximum.accumulate(np.where(is_long, index, -10_000), axis=1)
    found: np.ndarray = np.exp(-since / _WEEK).astype(np.float32)
    return found


def _year(prepared: PreparedPanel, origin: int) -> Iterator[np.ndarray]:
    """Fourier terms of the year and the weeks before its end, (width,) each; none for weeks, months or a short past."""
    panel = prepared.panel
    frequency = panel.frequency
    if frequency.year == frequency.cycle or origin < YEARS_NEEDED * frequency.year:
        return
    day = frequency.calendar(panel.first, prepared.width)["day_of_year"]
    for wave in range(1, WAVES + 1):
        angle = 2 * np.pi * wave * day / _YEAR_DAYS
        yield np.sin(angle)
        yield np.cos(angle)
    for middle in YEAR_END:
        yield np.maximum(0, 1 - np.abs(day - middle) / _WEEK)
