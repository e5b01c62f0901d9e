"""A library's method beside the trees, for the classes of demand where the backtest found that it helps.

It has a share in the mean alone. Only a sample of the series is tried: how far demand lies off a forecast with it was
not learnt, and a band moved by it held five points less of its class than it promised.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.backtest import BacktestRows
from models.demand.classification import CLASSES
from models.demand.methods.statistical import METHODS, library_forecasts
from models.demand.metrics import rmsse_scale
from models.demand.prepared_panel import Cells

SAMPLE: Final = 70  # series of each class that are tried, in each window of the backtest
MIN_SERIES: Final = 20  # in each window
SHARES: Final = (0.15, 0.3, 0.5)
MIN_GAIN: Final = 0.01  # of the loss: less is not worth fitting every series
SURE: Final = 2.0  # standard errors of the gain over series: the best of many would else be chosen for its luck
_TINY: Final = 1e-9
_Gains = dict[tuple[str, float], np.ndarray]  # by method and share, each series' gain over the mean loss without


@dataclass(frozen=True)
class Complement:
    """By class: which method, None for none, and its share of the forecast."""

    methods: tuple[str | None, ...]
    shares: tuple[float, ...]

    def join(self, cells: Cells, mean: np.ndarray, code: np.ndarray, threads: int) -> np.ndarray:
        """The mean (series, steps) with the method's share in it; `code` (series,) are classes."""
        found = mean.copy()
        for number, (method, share) in enumerate(zip(self.methods, self.shares, strict=True)):
            series = np.flatnonzero(code == number)
            if method is None or not len(series):
                continue
            found[series] = (1 - share) * mean[series] + share * library_forecasts(cells, (method,), series, threads)[0]
        return found


def fit_complement(earlier: Sequence[Cells], past: BacktestRows, threads: int) -> Complement:
    """Try every method on a sample of each class in every window; `past.mean` is what the others expect.

    `earlier` are the cells up to the origin of each window.
    """
    methods: list[str | None] = []
    shares: list[float] = []
    for number in range(len(CLASSES)):
        tried = [_tried(cells, past, window, number, threads) for window, cells in enumerate(earlier)]
        method, share = _best(tried) if min(len(gains) for gains in tried) else (None, 0.0)
        methods.append(method)
        shares.append(share)
    return Complement(tuple(methods), tuple(shares))


def _tried(cells: Cells, past: BacktestRows, window: int, number: int, threads: int) -> _Gains:
    """What each method in each share gained in a window, over each series' loss without it; empty of few series."""
    rows = np.flatnonzero((past.window == window) & (past.code == number))
    series = np.unique(past.series[rows])
    if len(series) < MIN_SERIES:
        return {}
    series = series[:: -(-len(series) // SAMPLE)]
    rows = rows[np.isin(past.series[rows], series)]
    place, step = np.searchsorted(series, past.series[rows]), past.target[rows] - past.origin[rows]
    names = tuple(METHODS)
    found = library_forecasts(cells, names, series, threads)[:, place, step]
    units, mean = past.units[rows], past.mean[rows]
    # Scales of the past: those of what came would weigh most where little did, and choose what forecasts too little.
    scale = rmsse_scale(cells.panel.units[series])
    weight = np.where(np.isfinite(scale), 1 / np.maximum(scale, _TINY), 0)[place]
    alone = _losses(units, mean, weight, place)
    level = max(float(alone.mean()), _TINY)
    return {
        (name, share): (alone - _losses(units, (1 - share) * mean + share * forecast, weight, place)) / level
        for name, forecast in zip(names, found, strict=True)
        for share in SHARES
    }


def _best(tried: Sequence[_Gains]) -> tuple[str | None, float]:
    """The method and share that gained most over all windows, if it did in each, and surely; None without one."""
    best = max(tried[0], key=lambda key: float(np.mean([gains[key].mean() for gains in tried])))
    gain = np.concatenate([gains[best] for gains in tried])
    in_each = min(float(gains[best].mean()) for gains in tried) > 0
    needed = max(MIN_GAIN, SURE * float(gain.std()) / len(gain) ** 0.5)
    return best if in_each and float(gain.mean()) > needed else (None, 0.0)


def _losses(units: np.ndarray, forecast: np.ndarray, weight: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Each series' root mean squared error over its own scale, (series,)."""
    squares = np.bincount(series, np.square(units - forecast) * weight) / np.maximum(np.bincount(series), 1)
    found: np.ndarray = np.sqrt(squares)
    return found
