"""A library's method beside the trees, for the classes of demand where the backtest found that it helps."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand_backtest import BacktestRows
from models.demand_cells import Cells
from models.demand_class import CLASSES
from models.demand_library import METHODS, library_forecasts

SAMPLE: Final = 200  # series of each class that are tried, at the last origin of the backtest
MIN_SERIES: Final = 20
SHARES: Final = (0.15, 0.3, 0.5)
MIN_GAIN: Final = 0.01  # of the loss: less is not worth fitting every series
SURE: Final = 2.0  # standard errors of the gain over series: the best of many would else be chosen for its luck
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Complement:
    """By class: which method, None for none, and its share of the forecast."""

    methods: tuple[str | None, ...]
    shares: tuple[float, ...]

    def join(
        self, cells: Cells, mean: np.ndarray, median: np.ndarray, code: np.ndarray, threads: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Mean and median (series, steps) with the method's share in them; `code` (series,) are classes."""
        mean, median = mean.copy(), median.copy()
        for number, (method, share) in enumerate(zip(self.methods, self.shares, strict=True)):
            series = np.flatnonzero(code == number)
            if method is None or not len(series):
                continue
            found = library_forecasts(cells, (method,), series, threads)[0]
            mean[series] = (1 - share) * mean[series] + share * found
            # A median of 0 says that most periods sell nothing; a mean tells nothing else.
            median[series] = np.where(median[series] > 0, (1 - share) * median[series] + share * found, 0)
        return mean, median


def fit_complement(cells: Cells, past: BacktestRows, threads: int) -> Complement:
    """Try every method on a sample of each class; `past.mean` is what the others expect.

    `cells` end at the last origin of the backtest.
    """
    last = past.window == past.window.max()
    methods: list[str | None] = []
    shares: list[float] = []
    for number in range(len(CLASSES)):
        inside = last & (past.code == number)
        series = np.unique(past.series[inside])
        series = series[:: max(1, len(series) // SAMPLE)]
        method, share = _best(cells, past, inside, series, threads) if len(series) >= MIN_SERIES else (None, 0.0)
        methods.append(method)
        shares.append(share)
    return Complement(tuple(methods), tuple(shares))


def _best(
    cells: Cells, past: BacktestRows, inside: np.ndarray, series: np.ndarray, threads: int
) -> tuple[str | None, float]:
    rows = np.flatnonzero(inside & np.isin(past.series, series))
    place, step = np.searchsorted(series, past.series[rows]), past.target[rows] - past.origin[rows]
    names = tuple(METHODS)
    found = library_forecasts(cells, names, series, threads)[:, place, step]
    scale = np.bincount(place, past.units[rows]) / np.maximum(np.bincount(place), 1)
    weight = 1 / np.square(np.maximum(scale, 0.1 * scale.mean() + _TINY))[place]
    losses = {
        (name, share): _losses(past.units[rows], (1 - share) * past.mean[rows] + share * forecast, weight, place)
        for name, forecast in zip(names, found, strict=True)
        for share in SHARES
    }
    best = min(losses, key=lambda key: float(losses[key].mean()))
    alone = _losses(past.units[rows], past.mean[rows], weight, place)
    gain = alone - losses[best]
    needed = max(MIN_GAIN * float(alone.mean()), SURE * float(gain.std()) / len(gain) ** 0.5)
    return best if float(gain.mean()) > needed else (None, 0.0)


def _losses(units: np.ndarray, forecast: np.ndarray, weight: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Each series' root mean squared error over its own scale, (series,)."""
    squares = np.bincount(series, np.square(units - forecast) * weight) / np.maximum(np.bincount(series), 1)
    found: np.ndarray = np.sqrt(squares)
    return found
