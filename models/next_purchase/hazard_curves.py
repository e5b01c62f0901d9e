"""When the next order comes: for each customer, how the chance to have ordered grows over the days ahead."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

GROWTH: Final = 1.25  # each interval is that much longer than the one before, and at least a day long
BLOCK: Final = 10_000  # customers whose curves are laid out day by day at one time
TINY: Final = 1e-9


@dataclass(frozen=True)
class OrderCurves:
    """The cumulative hazard of the next order, a row per customer; it rises in straight lines between the edges."""

    edges: np.ndarray  # (intervals + 1,) whole days ahead, from 0
    hazards: np.ndarray  # (customers, intervals + 1), 0 at first, never falling

    @property
    def horizon_days(self) -> float:
        return float(self.edges[-1])

    def chance_within(self, days: float) -> np.ndarray:
        """P(the next order comes within so many days), (customers,); days beyond the horizon count as the horizon."""
        chance: np.ndarray = -np.expm1(-self._hazards_at(np.array([days]))[:, 0])
        return chance

    def days_until(self, level: float) -> np.ndarray:
        """The days by which that share of those who order within the horizon have ordered, (customers,)."""
        target = -np.log1p(level * np.expm1(-self.hazards[:, -1]))
        after = np.clip((self.hazards <= target[:, None]).sum(axis=1), 1, len(self.edges) - 1)
        rows = np.arange(len(target))
        low, high = self.hazards[rows, after - 1], self.hazards[rows, after]
        share = np.clip((target - low) / np.maximum(high - low, TINY), 0.0, 1.0)
        days: np.ndarray = self.edges[after - 1] + share * (self.edges[after] - self.edges[after - 1])
        return days

    def crps_days(self, next_days: np.ndarray) -> np.ndarray:
        """The continuous ranked probability score of each next order (customers,; inf: none came), in days.

        The integral over the horizon of (has ordered by then - chance to have ordered by then) squared. Whether
        somebody had ordered by a day within the horizon is known of everybody who was watched until its end, so that
        nobody needs to be left out or weighted (Gneiting and Raftery, JASA 2007; Graf et al., Statist. Med. 1999).
        """
        days = np.arange(self.horizon_days) + 0.5
        scores = np.empty(len(next_days))
        for rows in _blocks(len(next_days)):
            chance = -np.expm1(-self.taken(rows)._hazards_at(days))
            scores[rows] = ((chance - (next_days[rows, None] <= days)) ** 2).sum(axis=1)
        return scores

    def taken(self, rows: slice | np.ndarray) -> "OrderCurves":
        """The curves of some customers."""
        return OrderCurves(self.edges, self.hazards[rows])

    def _hazards_at(self, days: np.ndarray) -> np.ndarray:
        """(customers, days)."""
        within = np.clip(days, 0.0, self.horizon_days)
        after = np.clip(np.searchsorted(self.edges, within, side="right"), 1, len(self.edges) - 1)
        share = (within - self.edges[after - 1]) / (self.edges[after] - self.edges[after - 1])
        reached: np.ndarray = self.hazards[:, after - 1] * (1 - share) + self.hazards[:, after] * share
        return reached


def interval_edges(horizon_days: int) -> np.ndarray:
    """Edges of the intervals ahead, (intervals + 1,): days at first, longer and longer ones later."""
    edges = [0]
    while edges[-1] < horizon_days:
        edges.append(max(edges[-1] + 1, round(edges[-1] * GROWTH)))
    return np.array([*edges[:-1], horizon_days], dtype=float)


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))
