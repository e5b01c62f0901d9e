"""The sum of the coming periods: what must be known to order for a lead time. Its quantiles are no sums of quantiles.

Good and bad periods cancel in part, and a wrong level does not: how far, the backtest's own sums tell. They lie around
the sum of what is expected, for a sum of medians is no median: of rare sales it is far too low.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.backtest import BacktestRows
from models.demand.forecast import LEVELS, MEDIAN
from models.demand.intervals.conformal import Calibration, calibrate
from models.demand.intervals.quantile_forest import Spread, fit_spread

GRID: Final = 10  # at most so many numbers of steps are learnt from
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Totals:
    """The spread of sums over the expected sum, and its calibration."""

    spread: Spread
    calibration: Calibration

    def predict(self, mean: np.ndarray, sale: np.ndarray, features: np.ndarray, code: np.ndarray) -> np.ndarray:
        """Quantiles of the running sums (series, steps, LEVELS) of `mean` (series, steps).

        `sale` (series,) are the units in a period with sales, `features` (series, steps, features) those of the steps'
        spread, `code` (series,) the classes.
        """
        series, horizon = mean.shape
        expected = np.cumsum(mean, axis=1)
        totals = np.zeros((series, horizon, len(LEVELS)))
        for step in range(1, horizon + 1):
            found, zero = self.spread.predict(
                total_features(mean[:, :step], sale, features[:, :step], np.ones((series, step), dtype=bool)),
                np.maximum(expected[:, step - 1], _TINY),
            )
            totals[:, step - 1] = self.calibration.apply(found, found[:, MEDIAN], zero, np.zeros(series), code)
        # More steps never sell less.
        return np.sort(np.maximum.accumulate(totals, axis=1), axis=-1)


def grid(horizon: int) -> np.ndarray:
    """The numbers of steps to learn from: all of a short horizon, ever wider apart of a long one."""
    found: np.ndarray = np.unique(np.round(np.geomspace(1, horizon, min(horizon, GRID))).astype(np.int64))
    return found


def total_features(mean: np.ndarray, sale: np.ndarray, features: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """The steps' features averaged by what each expects, how many steps and sales there are; (series, features + 3)."""
    weight = np.maximum(mean * counts, _TINY)[..., None]
    averaged = (features * weight).sum(axis=1) / weight.sum(axis=1)
    steps = np.log(np.maximum(counts.sum(axis=1), 1))
    size = np.log(np.maximum((mean * counts).sum(axis=1) / np.maximum(mean * counts, _TINY).mean(axis=1), 1))
    sales = np.log(np.maximum((mean * counts).sum(axis=1), _TINY) / np.maximum(sale, _TINY))
    found: np.ndarray = np.column_stack([averaged, steps, size, sales]).astype(np.float32)
    return found


def fit_totals(
    rows: BacktestRows,
    mean: np.ndarray,
    sale: np.ndarray,
    features: np.ndarray,
    horizon: int,
    seed: int,
    threads: int,
) -> Totals:
    """From the backtest's rows: expected units, units of a period with sales, features of the spread, (rows,)."""
    case, shape = _cases(rows)
    step = rows.target - rows.origin
    dense = {name: np.zeros((shape, horizon)) for name in ("mean", "units", "counts")}
    for name, values in (("mean", mean), ("units", rows.units), ("counts", np.ones(len(rows)))):
        dense[name][case, step] = values
    wide = np.zeros((shape, horizon, features.shape[1]), dtype=np.float32)
    wide[case, step] = features
    first = np.unique(case, return_index=True)[1]
    window, code, sold = rows.window[first], rows.code[first], sale[first]
    parts = []
    for steps in grid(horizon):
        counts = dense["counts"][:, :steps] > 0
        expected, units = dense["mean"][:, :steps].sum(axis=1), dense["units"][:, :steps].sum(axis=1)
        known = counts.any(axis=1) & (expected > 0)
        told = total_features(dense["mean"][:, :steps], sold, wide[:, :steps], counts)
        parts.append((told[known], expected[known], units[known], window[known], code[known]))
    told, expected, units, window, code = (np.concatenate(column) for column in zip(*parts, strict=True))
    spread, quantiles, zeros = fit_spread(told, expected, units, window, seed, threads)
    return Totals(spread, calibrate(quantiles, quantiles[:, MEDIAN], zeros, units, code))


def _cases(rows: BacktestRows) -> tuple[np.ndarray, int]:
    """Which (window, series) each row belongs to, and how many there are."""
    key = rows.window * (int(rows.series.max(initial=0)) + 1) + rows.series
    found, case = np.unique(key, return_inverse=True)
    return case, len(found)
