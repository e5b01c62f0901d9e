"""Demand whose truth is known: Poisson counts around a rate that the test chose."""

from collections.abc import Mapping

import numpy as np

from models.demand.boosting import BoostingParameters
from models.demand.frequency import DAY, Frequency
from models.demand.model import DemandParameters
from models.demand.panel import Panel

MONDAY = np.datetime64("2025-01-06")
SMALL_TREES = BoostingParameters(max_rows=6_000, rounds=40, learning_rate=0.15, leaves=15, min_rows_per_leaf=20)
SMALL = DemandParameters(boosting=SMALL_TREES)
WEEKEND = np.array([1, 1, 1, 1, 1, 3, 3])


def panel_of(
    units: np.ndarray,
    is_observed: np.ndarray | None = None,
    future: Mapping[str, np.ndarray] | None = None,
    groups: Mapping[str, np.ndarray] | None = None,
    first: np.datetime64 = MONDAY,
    frequency: Frequency = DAY,
) -> Panel:
    """A panel of which all is known, unless told otherwise."""
    units = np.asarray(units, dtype=np.float32)
    known = np.ones(units.shape, dtype=bool) if is_observed is None else is_observed
    return Panel(units, known, first, frequency, future=future or {}, groups=groups or {})


def rates(series: int, days: int, growing: int = 0, growth: float = 0.0) -> np.ndarray:
    """Weekends sell three times as much; the first `growing` series grow by `growth` a day. (series, days)"""
    level = np.geomspace(2, 40, series)[:, None]
    trend = np.ones((series, days))
    trend[:growing] = np.exp(growth * np.arange(days))
    return level * trend * WEEKEND[np.arange(days) % 7]


def sales(rate: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate).astype(np.float32)
