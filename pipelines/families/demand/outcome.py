"""What came after a point in time: units of the same series, and which of them the shop says were not for sale."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.families.demand.panel_builder import StoreDemand


@dataclass(frozen=True)
class Outcome:
    """Units of each series and period after it was forecast, (series, steps), and what sold of series that were not.

    `counts` (series, steps) bool: all but the periods for which the shop told that the item was out of stock. Periods
    that only look like it count: they were found by looking at what is judged here.
    """

    units: np.ndarray
    counts: np.ndarray
    others: dict[str, Any]


def outcome(known: StoreDemand, later: StoreDemand, periods: int) -> Outcome:
    """What `later` tells of the `periods` after `known` ends; a series that it no longer has sold nothing."""
    place = _places(later.series_keys, known.series_keys)
    is_there = place >= 0
    units = np.zeros((len(place), periods))
    units[is_there] = later.panel.units[place[is_there], -periods:]
    counts = np.ones(units.shape, dtype=bool)
    counts[is_there] = ~later.told_empty[later.item[place[is_there]], -periods:]
    is_other = ~np.isin(np.arange(later.panel.series), place)
    sold = later.panel.units[is_other, -periods:].sum(axis=1, dtype=np.float64)
    others = {
        "series_not_forecast": int((sold > 0).sum()),
        "units_not_forecast": float(sold.sum()),
        "share_out_of_stock_as_told": float(1 - counts.mean()),
    }
    return Outcome(units, counts, others)


def _places(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Where each wanted key stands among the known ones, -1 where it does not; keys are rows of text."""
    places = {tuple(key): place for place, key in enumerate(known.tolist())}
    return np.array([places.get(tuple(key), -1) for key in wanted.tolist()], dtype=np.int64)
