"""Demand whose truth is known: Poisson counts around a rate that the test chose."""

import numpy as np

from models.demand import DemandParameters
from models.demand_history import DemandHistory

MONDAY = np.datetime64("2025-01-06")
SMALL = DemandParameters(max_training_rows=8_000, rounds=40, leaves=15, min_rows_per_leaf=20)
WEEKEND = np.array([1, 1, 1, 1, 1, 3, 3])


def history_of(units: np.ndarray, price: float = 10.0) -> DemandHistory:
    """A history that begins on a Monday, of one category and one price."""
    units = np.asarray(units, dtype=np.float32)
    return DemandHistory(units, np.full_like(units, price), np.zeros(len(units), dtype=np.int64), MONDAY)


def rates(items: int, days: int, growing: int = 0, growth: float = 0.0) -> np.ndarray:
    """Weekends sell three times as much; the first `growing` items grow by `growth` a day. (items, days)"""
    level = np.geomspace(2, 40, items)[:, None]
    trend = np.ones((items, days))
    trend[:growing] = np.exp(growth * np.arange(days))
    return level * trend * WEEKEND[np.arange(days) % 7]


def sales(rate: np.ndarray, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate).astype(np.float32)
