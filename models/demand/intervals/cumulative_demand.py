"""Cumulative demand: quantiles of the sum of the coming periods, which an order for a lead time needs.

Quantiles do not add up: good and bad periods cancel in part, while a wrong level does not. The backtest's own sums show
how far. They are learned around the sum of the means, since a sum of medians is no median and far too low for rare
sales.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.backtest import BacktestRows
from models.demand.forecast import MEDIAN, QUANTILE_LEVELS
from models.demand.intervals.conformal import CONFORMAL, ZERO_RULE, ConformalCalibration, calibrate
from models.demand.intervals.quantile_forest import QuantileForest, fit_quantile_forest
from models.protocol import FitContext

GRID: Final = 10  # at most so many numbers of steps are trained on
_TINY: Final = 1e-9


@dataclass(frozen=True)
class CumulativeDemand:
    """A quantile forest of sums over expected sums, and its calibration."""

    forest: QuantileForest
    calibration: ConformalCalibration

    @classmethod
    def fit(
        cls,
        rows: BacktestRows,
        mean: np.ndarray,
        demand_size: np.ndarray,
        features: np.ndarray,
        horizon: int,
        context: FitContext,
    ) -> "CumulativeDemand":
        """From the backtest's rows, and the mean, demand size and `uncertainty_features` of each."""
        case, cases = _cases(rows)
        step = rows.target - rows.origin
        dense = {name: np.zeros((cases, horizon)) for name in ("mean", "units", "counts")}
        for name, values in (("mean", mean), ("units", rows.units), ("counts", np.ones(len(rows)))):
            dense[name][case, step] = values
        wide = np.zeros((cases, horizon, features.shape[1]), dtype=np.float32)
        wide[case, step] = features
        first = np.unique(case, return_index=True)[1]
        window, code, size = rows.window[first], rows.code[first], demand_size[first]
        parts = []
        for steps in step_grid(horizon):
            counts = dense["counts"][:, :steps] > 0
            expected, units = dense["mean"][:, :steps].sum(axis=1), dense["units"][:, :steps].sum(axis=1)
            known = counts.any(axis=1) & (expected > 0)
            of_sums = cumulative_features(dense["mean"][:, :steps], size, wide[:, :steps], counts)
            parts.append((of_sums[known], expected[known], units[known], window[known], code[known]))
        of_sums, expected, units, window, code = (np.concatenate(column) for column in zip(*parts, strict=True))
        forest, quantiles, zeros = fit_quantile_forest(of_sums, expected, units, window, context.seed, context.threads)
        return cls(forest, calibrate(quantiles, quantiles[:, MEDIAN], zeros, units, code, (CONFORMAL, ZERO_RULE)))

    def predict(self, mean: np.ndarray, demand_size: np.ndarray, features: np.ndarray, code: np.ndarray) -> np.ndarray:
        """Quantiles of the running sums (series, steps, QUANTILE_LEVELS) of `mean` (series, steps).

        `demand_size` (series,) are the units in a period with sales, `features` (series, steps, features) those of
        `uncertainty_features`, `code` (series,) the classes.
        """
        series, horizon = mean.shape
        expected = np.cumsum(mean, axis=1)
        quantiles = np.zeros((series, horizon, len(QUANTILE_LEVELS)))
        for step in range(1, horizon + 1):
            found, zero = self.forest.predict(
                cumulative_features(
                    mean[:, :step], demand_size, features[:, :step], np.ones((series, step), dtype=bool)
                ),
                np.maximum(expected[:, step - 1], _TINY),
            )
            quantiles[:, step - 1] = self.calibration.apply(found, found[:, MEDIAN], zero, np.zeros(series), code)
        # A longer sum is never smaller.
        return np.sort(np.maximum.accumulate(quantiles, axis=1), axis=-1)


def step_grid(horizon: int) -> np.ndarray:
    """The numbers of steps to train on: all of a short horizon, geometrically spaced over a long one."""
    return np.unique(np.round(np.geomspace(1, horizon, min(horizon, GRID))).astype(np.int64))


def cumulative_features(
    mean: np.ndarray, demand_size: np.ndarray, features: np.ndarray, counts: np.ndarray
) -> np.ndarray:
    """The steps' features weighted by their means, and the numbers of steps and sales: (series, features + 3)."""
    weight = np.maximum(mean * counts, _TINY)[..., None]
    averaged = (features * weight).sum(axis=1) / weight.sum(axis=1)
    steps = np.log(np.maximum(counts.sum(axis=1), 1))
    size = np.log(np.maximum((mean * counts).sum(axis=1) / np.maximum(mean * counts, _TINY).mean(axis=1), 1))
    sales = np.log(np.maximum((mean * counts).sum(axis=1), _TINY) / np.maximum(demand_size, _TINY))
    return np.column_stack([averaged, steps, size, sales]).astype(np.float32)


def _cases(rows: BacktestRows) -> tuple[np.ndarray, int]:
    """Which (window, series) each row belongs to, and how many there are."""
    key = rows.window * (int(rows.series.max(initial=0)) + 1) + rows.series
    found, case = np.unique(key, return_inverse=True)
    return case, len(found)
