"""What a demand model answers: expected units of every series and period ahead, their quantiles, and those of sums."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.errors import InputError

LEVELS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
LOW: Final = LEVELS.index(0.1)
MEDIAN: Final = LEVELS.index(0.5)
HIGH: Final = LEVELS.index(0.9)
SHARED: Final = 0.5  # of the steps' spread, where nothing was learnt of sums: neither independent nor one


@dataclass(frozen=True)
class DemandForecast:
    """Units per series and step; the first step is the period after the panel's last.

    Shapes: `mean` (series, steps), `quantiles` (series, steps, len(LEVELS)) for LEVELS, never crossing, never below 0.
    `totals` (series, steps, len(LEVELS)) are the quantiles of the sum of the first 1, 2, ... steps; None where none
    were learnt: `total` then combines the steps' spreads as if half of each were shared by all.
    """

    mean: np.ndarray
    quantiles: np.ndarray
    totals: np.ndarray | None = None

    def __post_init__(self) -> None:
        assert self.quantiles.shape == (*self.mean.shape, len(LEVELS))
        assert self.totals is None or self.totals.shape == self.quantiles.shape

    @property
    def median(self) -> np.ndarray:
        return self.quantiles[..., MEDIAN]

    @property
    def horizon(self) -> int:
        return int(self.mean.shape[1])

    def quantile(self, level: float) -> np.ndarray:
        """The quantile at any level between 0 and 1, (series, steps): between LEVELS interpolated, beyond them held."""
        return at_levels(self.quantiles, (level,))[..., 0]

    def total(self, periods: np.ndarray | int, levels: tuple[float, ...] = LEVELS) -> np.ndarray:
        """Quantiles of the units of the first `periods` steps together, (series, len(levels)).

        `periods` is one number or one for each series, at least 1. Beyond the horizon the forecast goes on as it was on
        average over it, as uncertain in proportion. Raises InputError for fewer than 1.
        """
        count = np.broadcast_to(np.asarray(periods, dtype=np.int64), (len(self.mean),))
        if (count < 1).any():
            raise InputError(f"a total over {int(count.min())} periods was asked for; ask for 1 or more.")
        known = np.minimum(count, self.horizon)
        sums = self.totals if self.totals is not None else _combined(self.mean, self.quantiles)
        chosen = sums[np.arange(len(count)), known - 1]
        return at_levels(chosen, levels) * (count / known)[:, None]


def at_levels(quantiles: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles for LEVELS on the last axis, at other levels: interpolated between them, held beyond.

    Raises InputError for a level that is not between 0 and 1.
    """
    if not all(0 < level < 1 for level in levels):
        raise InputError(f"quantiles at {levels} were asked for; ask for levels between 0 and 1, such as 0.95.")
    place = np.interp(levels, LEVELS, np.arange(len(LEVELS)))
    below = np.floor(place).astype(np.int64)
    above = np.minimum(below + 1, len(LEVELS) - 1)
    share = place - below
    found: np.ndarray = quantiles[..., below] * (1 - share) + quantiles[..., above] * share
    return found


def _combined(mean: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Quantiles of the running sums, from each step's distance between mean and quantile."""
    distance = quantiles - mean[..., None]
    apart = np.sqrt(np.cumsum(np.square(distance), axis=1))
    together = np.abs(np.cumsum(distance, axis=1))
    spread = np.sqrt(SHARED * np.square(together) + (1 - SHARED) * np.square(apart))
    sign = np.sign(np.cumsum(distance, axis=1))
    return np.sort(np.maximum(np.cumsum(mean, axis=1)[..., None] + sign * spread, 0), axis=-1)
