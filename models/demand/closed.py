"""Periods in which a series cannot sell, as a known-future covariate tells: closed days are no days of low demand."""

from typing import Final

import numpy as np

from models.demand.panel import Panel

MAX_VALUES: Final = 16  # a covariate with more distinct values is a measure, not a state
MIN_CELLS: Final = 30
MAX_SOLD: Final = 0.005  # share of a value's cells that sold at all
MIN_SOLD_ELSEWHERE: Final = 0.3  # where even the other cells seldom sell, never selling means little
_SAMPLE: Final = 2_000_000


def closing_values(panel: Panel) -> dict[str, tuple[float, ...]]:
    """By covariate, the values under which (nearly) no series ever sold while the others did."""
    found = {}
    units, seen = panel.units, panel.is_known & (np.cumsum(panel.units, axis=1) > 0)
    stride = max(1, units.size // _SAMPLE)
    cells = np.flatnonzero(seen.ravel())[::stride]
    sold = units.ravel()[cells] > 0
    for name, future in panel.future.items():
        values = np.ascontiguousarray(future[:, : panel.periods]).ravel()[cells]
        states, code, counts = np.unique(values, return_inverse=True, return_counts=True)
        if not 1 < len(states) <= MAX_VALUES:
            continue
        sales = np.bincount(code, sold)
        elsewhere = (sold.sum() - sales) / np.maximum(len(sold) - counts, 1)
        closes = (counts >= MIN_CELLS) & (sales <= MAX_SOLD * counts) & (elsewhere >= MIN_SOLD_ELSEWHERE)
        if closes.any():
            found[name] = tuple(float(value) for value in states[closes] if np.isfinite(value))
    return found


def closed_periods(panel: Panel, closing: dict[str, tuple[float, ...]], width: int) -> np.ndarray:
    """Where each series is closed in its first `width` periods, those ahead among them: (series, width) bool."""
    closed = np.zeros((panel.series, width), dtype=bool)
    for name, values in closing.items():
        closed |= np.isin(panel.future[name][:, :width], np.array(values, dtype=np.float32))
    return closed
