"""Total demand of a period as a distribution, interpolated between a few quantiles."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import ndtr, ndtri

from models.demand.panel import Panel


class DemandDistribution(Protocol):
    """Total demand of a period, as far as an inventory policy needs it."""

    def quantile(self, level: float) -> np.ndarray:
        """The units, (items,), that are enough with probability `level`."""


# From a panel of past demand to the demand of lead time + review period after its end.
DemandForecaster = Callable[[Panel], DemandDistribution]


@dataclass(frozen=True)
class TotalDemand:
    """The units that each item sells in one period, such as lead time + review period.

    Shapes: `levels` (Q,) rising within (0, 1), `units` (items, Q) the quantiles, not falling along Q, not below 0.

    Between two levels the quantile is linear in the normal score, so that normal demand is reproduced exactly. Above
    the last level the tail is exponential, with a scale from the last two levels; it is heavier than a normal tail, as
    rare demand is. Below the first level the quantile falls linearly to 0. Beyond the last level, values are
    extrapolations.
    """

    levels: np.ndarray
    units: np.ndarray

    def __post_init__(self) -> None:
        assert self.units.ndim == 2
        assert self.levels.shape == self.units.shape[1:]
        assert len(self.levels) >= 2
        assert (np.diff(self.levels) > 0).all()
        assert 0 < self.levels[0] < self.levels[-1] < 1

    def quantile(self, level: np.ndarray | float) -> np.ndarray:
        """The units that demand does not exceed with probability `level`, one number or (items,) within (0, 1)."""
        wanted = np.broadcast_to(np.asarray(level, dtype=np.float64), self.units.shape[:1])
        place = np.searchsorted(self.levels, wanted)  # how many levels lie below
        inner = np.clip(place, 1, len(self.levels) - 1)
        scores = ndtri(self.levels)
        part = (ndtri(wanted) - scores[inner - 1]) / (scores[inner] - scores[inner - 1])
        low, high = self._at(inner - 1), self._at(inner)
        tail = self._at(-1) + self._tail_scale * np.log((1 - self.levels[-1]) / (1 - wanted))
        below = self._at(0) * wanted / self.levels[0]
        return np.select([place == 0, place == len(self.levels)], [below, tail], low + part * (high - low))

    def probability_above(self, stock: np.ndarray) -> np.ndarray:
        """The probability that demand exceeds `stock` (items,); NaN where the stock is unknown.

        Of equal quantiles the highest level counts: without any demand, no stock is enough.
        """
        held = np.maximum(stock, 0)
        place = (self.units <= held[:, None]).sum(axis=1)
        inner = np.clip(place, 1, len(self.levels) - 1)
        low, high = self._at(inner - 1), self._at(inner)
        scores = ndtri(self.levels)
        with np.errstate(divide="ignore", invalid="ignore"):  # the branches not taken may divide by 0
            score = scores[inner - 1] + (held - low) / (high - low) * (scores[inner] - scores[inner - 1])
            first = 1 - self.levels[0] * held / self._at(0)
            beyond = held - self._at(-1)
            tail = (1 - self.levels[-1]) * np.where(beyond > 0, np.exp(-np.maximum(beyond, 0) / self._tail_scale), 1.0)
        above = np.select([place == 0, place == len(self.levels)], [first, tail], ndtr(-score))
        return np.where(np.isnan(stock), np.nan, above)

    @property
    def _tail_scale(self) -> np.ndarray:
        """The mean excess beyond the last level, (items,)."""
        return (self._at(-1) - self._at(-2)) / np.log((1 - self.levels[-2]) / (1 - self.levels[-1]))

    def _at(self, place: np.ndarray | int) -> np.ndarray:
        return self.units[np.arange(len(self.units)), place]
