"""What a demand model answers: the expected units of every item and day ahead, and a band around them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

QUANTILES: Final = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class DemandForecast:
    """Units per item and day; the first column is the day after the history ends.

    Shapes: `mean` (items, days), `quantiles` (items, days, 3) for QUANTILES, never crossing, never below 0.
    """

    mean: np.ndarray
    quantiles: np.ndarray

    def __post_init__(self) -> None:
        assert self.quantiles.shape == (*self.mean.shape, len(QUANTILES))
