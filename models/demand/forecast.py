"""Demand forecasts: mean and quantiles of every series and period ahead, and quantiles of cumulative demand."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.errors import InputError

QUANTILE_LEVELS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975, 0.99)
LOW: Final = QUANTILE_LEVELS.index(0.1)
MEDIAN: Final = QUANTILE_LEVELS.index(0.5)
HIGH: Final = QUANTILE_LEVELS.index(0.9)
SHARED_SPREAD: Final = (
    0.5  # of the steps' spread, where cumulative quantiles were not learned: between independent and identical
)

HALF_A_UNIT: Final = 0.5


@dataclass(frozen=True)
class DemandForecast:
    """Units per series and step; the first step is the period after the panel's last.

    Shapes: `mean` (series, steps), `quantiles` (series, steps, QUANTILE_LEVELS), never crossing, never below 0.
    `cumulative` (series, steps, QUANTILE_LEVELS) are quantiles of the sum of the first 1, 2, ... steps; where it is
    None, `total` combines the steps' spreads as if half of each were shared by all.

    `is_count` (series,) bool: the series sells whole units, and all its quantiles become whole units (`whole_units`).
    The mean stays a fraction. None: no series does.
    """

    mean: np.ndarray
    quantiles: np.ndarray
    cumulative: np.ndarray | None = None
    is_count: np.ndarray | None = None

    def __post_init__(self) -> None:
        assert self.quantiles.shape == (*self.mean.shape, len(QUANTILE_LEVELS))
        assert self.cumulative is None or self.cumulative.shape == self.quantiles.shape
        if self.is_count is not None:
            object.__setattr__(self, "quantiles", whole_units(self.quantiles, self.is_count))
            if self.cumulative is not None:
                object.__setattr__(self, "cumulative", whole_units(self.cumulative, self.is_count))

    @property
    def median(self) -> np.ndarray:
        return self.quantiles[..., MEDIAN]

    @property
    def horizon(self) -> int:
        return int(self.mean.shape[1])

    def total(self, periods: np.ndarray | int, levels: tuple[float, ...] = QUANTILE_LEVELS) -> np.ndarray:
        """Quantiles of the units of the first `periods` steps together, (series, len(levels)).

        `periods` is one number or one for each series, at least 1. Beyond the horizon, quantiles grow in proportion to
        the number of periods. Raises InputError for fewer than 1.
        """
        count = np.broadcast_to(np.asarray(periods, dtype=np.int64), (len(self.mean),))
        if (count < 1).any():
            raise InputError(f"a total over {int(count.min())} periods was asked for; ask for 1 or more.")
        within = np.minimum(count, self.horizon)
        sums = self.cumulative if self.cumulative is not None else _combined(self.mean, self.quantiles)
        chosen = sums[np.arange(len(count)), within - 1]
        total = at_levels(chosen, levels) * (count / within)[:, None]
        return total if self.is_count is None else whole_units(total, self.is_count)


def whole_units(quantiles: np.ndarray, is_count: np.ndarray) -> np.ndarray:
    """Quantiles (series, ...) as whole units where `is_count` (series,) says so.

    The quantile of a count is the least whole number k with P(demand <= k) >= level. An estimate that is continuous
    has that probability below k + 0.5 (the continuity correction), so k is the quantile less 0.5, rounded up.
    """
    chosen = is_count.reshape(-1, *(1 for _ in quantiles.shape[1:]))
    return np.where(chosen, np.maximum(np.ceil(quantiles - HALF_A_UNIT), 0), quantiles)


def at_levels(quantiles: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """Quantiles at other levels, from those for QUANTILE_LEVELS on the last axis: interpolated, constant beyond.

    Raises InputError for a level that is not between 0 and 1.
    """
    if not all(0 < level < 1 for level in levels):
        raise InputError(f"quantiles at {levels} were asked for; ask for levels between 0 and 1, such as 0.95.")
    index = np.interp(levels, QUANTILE_LEVELS, np.arange(len(QUANTILE_LEVELS)))
    below = np.floor(index).astype(np.int64)
    above = np.minimum(below + 1, len(QUANTILE_LEVELS) - 1)
    share = index - below
    return quantiles[..., below] * (1 - share) + quantiles[..., above] * share


def _combined(mean: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """Quantiles of the running sums, from each step's distance between mean and quantile."""
    distance = quantiles - mean[..., None]
    apart = np.sqrt(np.cumsum(np.square(distance), axis=1))
    together = np.abs(np.cumsum(distance, axis=1))
    spread = np.sqrt(SHARED_SPREAD * np.square(together) + (1 - SHARED_SPREAD) * np.square(apart))
    sign = np.sign(np.cumsum(distance, axis=1))
    return np.sort(np.maximum(np.cumsum(mean, axis=1)[..., None] + sign * spread, 0), axis=-1)
