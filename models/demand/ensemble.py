"""Which methods forecast a series: those, and so far, as served its class of demand best in the backtest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.blend import mean_weights, median_weights
from models.demand.classification import CLASSES
from models.demand.methods.regression import REGRESSIONS

MIN_ROWS: Final = 500  # a class with fewer takes the weights of all rows together
NAMED_SHARE: Final = 0.2  # a method with less weight is not named in a route
MOVING: Final = 0.1  # of the logarithm: so far apart, a trend makes a difference
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Routing:
    """Weights by kind and method, (kinds, methods) each: of the expected units, and of the median.

    The kinds are the classes, and the classes again for what grows or falls.
    """

    methods: tuple[str, ...]
    mean: np.ndarray
    median: np.ndarray

    def blend(self, candidates: Mapping[str, np.ndarray], code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected units and median of each row, (rows,) each; `code` are the rows' classes."""
        stacked, kind = np.column_stack([candidates[name] for name in self.methods]), _kind(candidates, code)
        return (stacked * self.mean[kind]).sum(axis=1), (stacked * self.median[kind]).sum(axis=1)

    def named(self, code: int) -> str:
        """The methods that forecast a class, the weightiest first."""
        weight = self.mean[code] / max(self.mean[code].sum(), _TINY)
        order = np.argsort(-weight, kind="stable")
        return " + ".join(self.methods[place] for place in order if weight[place] >= NAMED_SHARE) or self.methods[0]


def fit_routing(
    candidates: Mapping[str, np.ndarray], units: np.ndarray, scale: np.ndarray, code: np.ndarray, series: np.ndarray
) -> Routing:
    """From every method's forecast of the backtest's rows; `scale` (rows,) squared units, the series' own."""
    methods = tuple(candidates)
    stacked = np.column_stack([candidates[name] for name in methods])
    weight = _series_weight(np.median(stacked, axis=1), units, scale, series)

    def weights(chosen: np.ndarray, otherwise: tuple[np.ndarray, ...]) -> tuple[np.ndarray, ...]:
        if chosen.sum() < MIN_ROWS:
            return otherwise
        found = mean_weights(stacked[chosen], units[chosen], weight[chosen])
        return found, median_weights(stacked[chosen], units[chosen])

    every = (mean_weights(stacked, units, weight), median_weights(stacked, units))
    kind = _kind(candidates, code)
    moving = weights(kind >= len(CLASSES), every)
    steady = weights(kind < len(CLASSES), every)
    found = [weights(kind == number, steady if number < len(CLASSES) else moving) for number in range(2 * len(CLASSES))]
    return Routing(methods, *(np.array(part) for part in zip(*found, strict=True)))


def _kind(candidates: Mapping[str, np.ndarray], code: np.ndarray) -> np.ndarray:
    """Classes, beyond them those of rows for which the regression with a trend differs from the one without."""
    steady, growing = (np.log(np.maximum(candidates[name], _TINY)) for name in REGRESSIONS)
    found: np.ndarray = code + len(CLASSES) * (np.abs(growing - steady) > MOVING)
    return found


def _series_weight(forecast: np.ndarray, units: np.ndarray, scale: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Weights under which squared errors add up to the series' root mean squared scaled errors."""
    squares = np.square(units - forecast) / np.maximum(scale, _TINY)
    cells = np.bincount(series)
    rmsse = np.sqrt(np.bincount(series, squares) / np.maximum(cells, 1))
    floor = 0.1 * max(float(rmsse[cells > 0].mean()), _TINY)
    weight = 1 / (np.maximum(scale, _TINY) * np.maximum(rmsse[series], floor))
    found: np.ndarray = weight / weight.mean()
    return found
