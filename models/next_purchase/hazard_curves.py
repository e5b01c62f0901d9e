"""Survival curves of the next order: for each customer, the cumulative hazard over the days ahead."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

GROWTH: Final = 1.25  # ratio of the lengths of consecutive intervals; none is shorter than a day
BLOCK: Final = 10_000  # customers whose curves are expanded to days at one time
TINY: Final = 1e-9
MEDIAN: Final = 0.5


@dataclass(frozen=True)
class HazardCurves:
    """The cumulative hazard of the next order, one row per customer, linear between the edges."""

    edges: np.ndarray  # (intervals + 1,) whole days ahead, from 0
    hazards: np.ndarray  # (customers, intervals + 1) cumulative: 0 at first, never falling

    @property
    def horizon_days(self) -> float:
        return float(self.edges[-1])

    def event_probability(self, days: float) -> np.ndarray:
        """P(the next order comes within `days`), (customers,); at most the horizon's."""
        return np.asarray(-np.expm1(-self._hazards_at(np.array([days]))[:, 0]))

    def anchored(self, days: float, survival: np.ndarray) -> "HazardCurves":
        """The curves with P(no order within `days`) = `survival` (customers,); NaN leaves a curve as it is.

        Each hazard is multiplied by one factor (proportional hazards), so that no probability exceeds 1 or falls with
        time. Beyond the curve's horizon its mean hazard goes on.
        """
        until = self._hazards_at(np.array([days]))[:, 0] * max(days / self.horizon_days, 1.0)
        wanted = -np.log(np.clip(survival, TINY, 1.0))
        factor = np.where(np.isnan(survival), 1.0, wanted / np.maximum(until, TINY))
        return HazardCurves(self.edges, self.hazards * factor[:, None])

    def median_days(self) -> np.ndarray:
        """By when an order has come with a probability of one half, (customers,); NaN beyond the horizon."""
        within = self.event_probability(self.horizon_days)
        with np.errstate(divide="ignore"):
            level = MEDIAN / within
        return np.where(within >= MEDIAN, self.quantile_days(np.minimum(level, 1.0)), np.nan)

    def quantile_days(self, level: float | np.ndarray) -> np.ndarray:
        """A quantile of the days to the next order, given that it comes within the horizon, (customers,)."""
        target = -np.log1p(level * np.expm1(-self.hazards[:, -1]))
        after = np.clip((self.hazards <= target[:, None]).sum(axis=1), 1, len(self.edges) - 1)
        rows = np.arange(len(target))
        low, high = self.hazards[rows, after - 1], self.hazards[rows, after]
        share = np.clip((target - low) / np.maximum(high - low, TINY), 0.0, 1.0)
        return np.asarray(self.edges[after - 1] + share * (self.edges[after] - self.edges[after - 1]))

    def crps_days(self, event_days: np.ndarray) -> np.ndarray:
        """The continuous ranked probability score of each next order (customers,; inf: none came), in days.

        The integral over the horizon of (has ordered by then - P(ordered by then)) squared, which is the integrated
        Brier score. Everybody must have been observed for the whole horizon, so that no censoring weights are needed
        (Gneiting and Raftery, JASA 2007; Graf et al., Statist. Med. 1999).
        """
        days = np.arange(self.horizon_days) + 0.5
        scores = np.empty(len(event_days))
        for rows in _blocks(len(event_days)):
            probability = -np.expm1(-self.subset(rows)._hazards_at(days))
            scores[rows] = ((probability - (event_days[rows, None] <= days)) ** 2).sum(axis=1)
        return scores

    def subset(self, rows: slice | np.ndarray) -> "HazardCurves":
        """The curves of the customers at `rows`."""
        return HazardCurves(self.edges, self.hazards[rows])

    def _hazards_at(self, days: np.ndarray) -> np.ndarray:
        """(customers, days)."""
        within = np.clip(days, 0.0, self.horizon_days)
        after = np.clip(np.searchsorted(self.edges, within, side="right"), 1, len(self.edges) - 1)
        share = (within - self.edges[after - 1]) / (self.edges[after] - self.edges[after - 1])
        return np.asarray(self.hazards[:, after - 1] * (1 - share) + self.hazards[:, after] * share)


def interval_edges(horizon_days: int) -> np.ndarray:
    """Edges of the intervals ahead, (intervals + 1,) days: each interval GROWTH times as long as the one before."""
    edges = [0]
    while edges[-1] < horizon_days:
        edges.append(max(edges[-1] + 1, round(edges[-1] * GROWTH)))
    return np.array([*edges[:-1], horizon_days], dtype=float)


def _blocks(rows: int) -> Iterator[slice]:
    for start in range(0, rows, BLOCK):
        yield slice(start, min(start + BLOCK, rows))
