"""The backtest's rows: the last horizons, to be forecast by methods that were fitted on what came before them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.classification import demand_class
from models.demand.features.rows import sample_series
from models.demand.panel import PreparedPanel

WINDOWS: Final = 3
MIN_TRAINING_HORIZONS: Final = 3  # horizons that are left for training before the first window
MAX_ROWS: Final = 250_000


@dataclass(frozen=True)
class BacktestRows:
    """Every usable step of the last windows, of every series that sold before.

    Arrays (rows,): `window` is 0 for the earliest; `code` the class at the origin; `mean` the forecast, 0 before there
    is one.
    """

    series: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    window: np.ndarray
    code: np.ndarray
    units: np.ndarray
    mean: np.ndarray

    def __len__(self) -> int:
        return len(self.series)


def backtest_origins(periods: int, horizon: int) -> np.ndarray:
    """The origins of the last 1 to WINDOWS whole horizons, the earliest first."""
    windows = int(np.clip(periods // horizon - MIN_TRAINING_HORIZONS, 1, WINDOWS))
    return periods - horizon * np.arange(windows, 0, -1)


def backtest_rows(prepared: PreparedPanel, seed: int) -> BacktestRows:
    """The rows of the backtest; a sample of very many series, always the same for the same panel."""
    panel, horizon = prepared.panel, prepared.horizon
    origins = backtest_origins(panel.periods, horizon)
    series = sample_series(panel.series, MAX_ROWS / (horizon * len(origins)), seed)
    parts = []
    for window, origin in enumerate(origins):
        code = demand_class(panel.before(int(origin)), prepared.usable[:, :origin])
        begun = series[prepared.first[series] < origin]
        chosen, step = np.nonzero(prepared.usable[begun, origin : origin + horizon])
        row, target = begun[chosen], origin + step
        same = (np.full(len(row), origin), target, np.full(len(row), window))
        parts.append((row, *same, code[row], panel.units[row, target].astype(np.float64), np.zeros(len(row))))
    return BacktestRows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
