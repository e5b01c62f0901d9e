"""Forecast combination: how much each method counts, per class of demand, as stacking on the backtest chose.

Weights are non-negative and shrunk towards equal weights, since averages of methods usually win. A method that adds
nothing gets no weight.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls

from models.demand.classification import CLASSES
from models.demand.methods.regression import REGRESSIONS

MIN_ROWS: Final = 500  # a class with fewer takes the weights of all rows together
NAMED_SHARE: Final = 0.2  # a method with less weight is not named in an explanation
TRENDING: Final = 0.1  # of the logarithm: regressions with and without a trend differ by more
SHRINKAGE: Final = 0.1  # towards equal weights, in units of how far the methods differ
ITERATIONS: Final = 12
SUM_LIMITS: Final = (0.7, 1.4)
CLASS_WEIGHTS: Final = "class_weights"  # parts of the engine: each class of demand has weights of its own,
TREND_WEIGHTS: Final = "trend_weights"  # rows with a trend have,
MEDIAN_WEIGHTS: Final = "median_weights"  # and the median has
_TINY: Final = 1e-9


@dataclass(frozen=True)
class ForecastCombination:
    """Weights of the mean and of the median, (segments, methods) each.

    The first segments are the classes of demand; then the classes again, for rows with a trend.
    """

    methods: tuple[str, ...]
    mean: np.ndarray
    median: np.ndarray

    @classmethod
    def fit(
        cls,
        forecasts: Mapping[str, np.ndarray],
        units: np.ndarray,
        scale: np.ndarray,
        code: np.ndarray,
        series: np.ndarray,
        parts: Collection[str],
    ) -> "ForecastCombination":
        """From every method's forecast of the backtest's rows; `scale` (rows,) in squared units, per series."""
        methods = tuple(forecasts)
        stacked = np.column_stack([forecasts[name] for name in methods])
        weight = _rmsse_weight(np.median(stacked, axis=1), units, scale, series)

        def fitted(chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            of_mean = mean_weights(stacked[chosen], units[chosen], weight[chosen])
            own = MEDIAN_WEIGHTS in parts
            return of_mean, median_weights(stacked[chosen], units[chosen]) if own else of_mean

        def weights(chosen: np.ndarray, otherwise: tuple[np.ndarray, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
            return fitted(chosen) if chosen.sum() >= MIN_ROWS else otherwise

        every, classes = fitted(np.ones(len(units), dtype=bool)), len(CLASSES)
        number = np.arange(2 * classes)  # which weights each segment takes
        number = number if TREND_WEIGHTS in parts else number % classes
        number = number if CLASS_WEIGHTS in parts else number // classes * classes
        segment = number[_segment(forecasts, code)]
        steady, trending = weights(segment < classes, every), weights(segment >= classes, every)
        found = [weights(segment == of, steady if of < classes else trending) for of in number]
        return cls(methods, *(np.array(part) for part in zip(*found, strict=True)))

    def combine(self, forecasts: Mapping[str, np.ndarray], code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and median of each row, (rows,) each; `code` are the rows' classes."""
        stacked = np.column_stack([forecasts[name] for name in self.methods])
        segment = _segment(forecasts, code)
        return (stacked * self.mean[segment]).sum(axis=1), (stacked * self.median[segment]).sum(axis=1)

    @property
    def main_methods(self) -> tuple[str, ...]:
        """The methods that count most for each class, the largest weight first."""
        return tuple(self._main_methods(weight / max(weight.sum(), _TINY)) for weight in self.mean[: len(CLASSES)])

    def _main_methods(self, weight: np.ndarray) -> str:
        order = np.argsort(-weight, kind="stable")
        return " + ".join(self.methods[index] for index in order if weight[index] >= NAMED_SHARE) or self.methods[0]


def mean_weights(forecasts: np.ndarray, units: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights >= 0 of (rows, methods) that minimise weighted squared errors; their sum corrects the level."""
    found = _shrunk_nnls(forecasts, units, weight)
    total = float(found.sum())
    return found / max(total, _TINY) * np.clip(total, *SUM_LIMITS)


def median_weights(forecasts: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Weights >= 0 with sum 1 that minimise absolute errors, by iteratively reweighted least squares.

    The level is not corrected: that the last periods sold more than expected seldom lasts.
    """
    weight = np.ones(len(units))
    floor = 0.01 * max(float(np.abs(units).mean()), _TINY)
    for _ in range(ITERATIONS):
        found = _shrunk_nnls(forecasts, units, weight)
        weight = 1 / np.maximum(np.abs(units - forecasts @ found), floor)
    return found / max(float(found.sum()), _TINY)


def _shrunk_nnls(forecasts: np.ndarray, units: np.ndarray, weight: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight)[:, None]
    left, right = forecasts * root, units * root[:, 0]
    gram, moment = left.T @ left, left.T @ right
    methods = len(gram)
    apart = left - left.mean(axis=1, keepdims=True)
    penalty = SHRINKAGE * float(np.square(apart).sum()) / methods
    gram += penalty * np.eye(methods)
    moment += penalty / methods
    factor = np.linalg.cholesky(gram + _TINY * np.trace(gram) * np.eye(methods) + _TINY * np.eye(methods))
    return nnls(factor.T, np.linalg.solve(factor, moment))[0]


def _segment(forecasts: Mapping[str, np.ndarray], code: np.ndarray) -> np.ndarray:
    """The class, plus the number of classes where the regressions with and without a trend differ."""
    if not all(name in forecasts for name in REGRESSIONS):
        return code
    steady, growing = (np.log(np.maximum(forecasts[name], _TINY)) for name in REGRESSIONS)
    return code + len(CLASSES) * (np.abs(growing - steady) > TRENDING)


def _rmsse_weight(forecast: np.ndarray, units: np.ndarray, scale: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Weights under which squared errors add up to the series' root mean squared scaled errors."""
    squares = np.square(units - forecast) / np.maximum(scale, _TINY)
    cells = np.bincount(series)
    rmsse = np.sqrt(np.bincount(series, squares) / np.maximum(cells, 1))
    floor = 0.1 * max(float(rmsse[cells > 0].mean()), _TINY)
    weight = 1 / (np.maximum(scale, _TINY) * np.maximum(rmsse[series], floor))
    return weight / weight.mean()
