"""The forecast that a method of the demand benchmark gives at an origin."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from benchmarks.demand.data import Origin

LEVELS: Final = (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
MEDIAN: Final = LEVELS.index(0.5)


@dataclass(frozen=True)
class Answer:
    """`mean` (series, horizon) and `quantiles` (series, horizon, len(LEVELS)) for LEVELS."""

    mean: np.ndarray
    quantiles: np.ndarray

    @property
    def median(self) -> np.ndarray:
        return self.quantiles[..., MEDIAN]


Method = Callable[[Origin, int, int], Answer]  # takes an origin, a seed and a number of threads
