"""The past forecast as if it were the future: rows at earlier origins, with models that saw only what came before."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.classification import demand_class
from models.demand.features.rows import chosen_share
from models.demand.prepared_panel import Cells

WINDOWS: Final = 3
MIN_TRAINING_HORIZONS: Final = 3  # before the first window, so many horizons must be left to learn from
MAX_ROWS: Final = 250_000


@dataclass(frozen=True)
class BacktestRows:
    """Every step of the last windows, of every series that sold before and whose period counts.

    Arrays (rows,): `window` is 0 for the earliest; `code` the class at the origin; `mean` what was expected, 0 as long
    as nothing was.
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
    """The origins of up to WINDOWS whole horizons at the end, the earliest first; one at least."""
    windows = int(np.clip(periods // horizon - MIN_TRAINING_HORIZONS, 1, WINDOWS))
    return periods - horizon * np.arange(windows, 0, -1)


def backtest_rows(cells: Cells, seed: int) -> BacktestRows:
    """The rows of the backtest; of very many series a sample, the same whenever the panel is."""
    panel, horizon = cells.panel, cells.horizon
    origins = backtest_origins(panel.periods, horizon)
    series = chosen_share(panel.series, MAX_ROWS / (horizon * len(origins)), seed)
    parts = []
    for window, origin in enumerate(origins):
        code = demand_class(panel.before(int(origin)), cells.counts[:, :origin])
        begun = series[cells.first[series] < origin]
        chosen, step = np.nonzero(cells.counts[begun, origin : origin + horizon])
        row, target = begun[chosen], origin + step
        same = (np.full(len(row), origin), target, np.full(len(row), window))
        parts.append((row, *same, code[row], panel.units[row, target].astype(np.float64), np.zeros(len(row))))
    return BacktestRows(*(np.concatenate(column) for column in zip(*parts, strict=True)))
