"""Which methods forecast a series: those, and so far, as served its class of demand best in the backtest."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand_blend import mean_weights, median_weights
from models.demand_class import CLASSES

MIN_ROWS: Final = 500  # a class with fewer takes the weights of all rows together
NAMED_SHARE: Final = 0.2  # a method with less weight is not named in a route
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Routing:
    """Weights by class and method, (classes, methods) each: of the expected units, and of the median."""

    methods: tuple[str, ...]
    mean: np.ndarray
    median: np.ndarray

    def blend(self, candidates: Mapping[str, np.ndarray], code: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Expected units and median of each row, (rows,) each; `code` are the rows' classes."""
        stacked = np.column_stack([candidates[name] for name in self.methods])
        return (stacked * self.mean[code]).sum(axis=1), (stacked * self.median[code]).sum(axis=1)

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
    pooled = (mean_weights(stacked, units, weight), median_weights(stacked, units))
    found = []
    for number in range(len(CLASSES)):
        inside = code == number
        if inside.sum() < MIN_ROWS:
            found.append(pooled)
            continue
        found.append(
            (
                mean_weights(stacked[inside], units[inside], weight[inside]),
                median_weights(stacked[inside], units[inside]),
            )
        )
    return Routing(methods, np.array([mean for mean, _ in found]), np.array([median for _, median in found]))


def _series_weight(forecast: np.ndarray, units: np.ndarray, scale: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Weights under which squared errors add up to the series' root mean squared scaled errors."""
    squares = np.square(units - forecast) / np.maximum(scale, _TINY)
    cells = np.bincount(series)
    rmsse = np.sqrt(np.bincount(series, squares) / np.maximum(cells, 1))
    floor = 0.1 * max(float(rmsse[cells > 0].mean()), _TINY)
    weight = 1 / (np.maximum(scale, _TINY) * np.maximum(rmsse[series], floor))
    found: np.ndarray = weight / weight.mean()
    return found
