"""Training examples: rows of (series, origin, target), with features that were known when the origin began.

All features in units are divided by the series' own level. A series that sells ten times as much in the same pattern
has the same features, and a forecast ten times as large.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from models.demand.features.known_future import KnownFutureFeatures
from models.demand.features.seasonality import SeasonalLags
from models.demand.features.smoothing import smooth
from models.demand.prepared_panel import PreparedPanel


@dataclass(frozen=True)
class Rows:
    """Rows, all arrays of one length."""

    features: np.ndarray  # (rows, features) float32, in the order of `names`
    names: tuple[str, ...]
    series: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    base: np.ndarray  # units: the forecast of level and effects alone
    level: np.ndarray  # units per period, as known at the origin; above 0
    demand_size: np.ndarray  # units in a period with sales, as known at the origin

    def __len__(self) -> int:
        return len(self.series)

    def only(self, chosen: np.ndarray | slice) -> "Rows":
        """The chosen rows (a mask, indices or a slice)."""
        return Rows(
            self.features[chosen],
            self.names,
            *(
                part[chosen]
                for part in (self.series, self.origin, self.target, self.base, self.level, self.demand_size)
            ),
        )


def build_rows(prepared: PreparedPanel, series: np.ndarray, origin: np.ndarray, target: np.ndarray) -> Rows:
    """Rows of these series, origins and targets, with all features."""
    smoothed = smooth(prepared, series, origin, target)
    columns = chain(
        KnownFutureFeatures(prepared).columns(series, origin, target),
        SeasonalLags(prepared, smoothed.relative).columns(series, origin, target),
    )
    names, found = list(smoothed.names), [smoothed.features]
    for name, values in columns:
        names.append(name)
        found.append(np.asarray(values, dtype=np.float32)[:, None])
    return Rows(
        np.concatenate(found, axis=1),
        tuple(names),
        series,
        origin,
        target,
        smoothed.base,
        smoothed.level,
        smoothed.demand_size,
    )


def sample_training_rows(
    prepared: PreparedPanel, until: int, max_rows: int, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Series, origin and target of about `max_rows` of the usable cells before period `until`.

    Each cell is a target at most once, at a random step. A hash of series and period chooses, so that the same panel
    always gives the same rows.
    """
    warm = min(prepared.horizon, until // 4)
    usable = prepared.usable[:, :until].copy()
    usable[:, : warm + 1] = False
    population = int(usable.sum())
    share = min(1.0, max_rows / max(population, 1))
    parts = []
    for block in _blocks(len(usable)):
        row, target = np.nonzero(usable[block])
        series = row + block.start
        hashes = _hash(series, target, seed)
        is_drawn = (hashes & np.uint64(0xFFFFFFFF)) <= np.uint64(int(share * 0xFFFFFFFF))
        series, target, hashes = series[is_drawn], target[is_drawn], hashes[is_drawn]
        # Other bits of the hash choose the step.
        step = 1 + (hashes >> np.uint64(32)).astype(np.int64) % prepared.horizon
        origin = target - step + 1
        is_begun = origin > np.maximum(prepared.first[series], 1)
        parts.append(np.stack([series, origin, target])[:, is_begun])
    series, origin, target = np.concatenate(parts, axis=1)
    return series, origin, target


def forecast_rows(
    prepared: PreparedPanel, origins: np.ndarray, series: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every step from every origin of each series: by origin, then series, then step."""
    steps = np.arange(prepared.horizon)
    origin = np.repeat(origins, len(series) * len(steps))
    chosen = np.tile(np.repeat(series, len(steps)), len(origins))
    return chosen, origin, origin + np.tile(steps, len(series) * len(origins))


def _blocks(series: int, size: int = 2048) -> Iterator[slice]:
    for start in range(0, series, size):
        yield slice(start, min(start + size, series))


def _hash(series: np.ndarray, period: np.ndarray, seed: int) -> np.ndarray:
    """The 64-bit finalizer of splitmix64 over series, period and seed."""
    state = series.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = state ^ (period.astype(np.uint64) + np.uint64(seed)) * np.uint64(0xC2B2AE3D27D4EB4F)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))


def sample_series(series: int, most: float, seed: int) -> np.ndarray:
    """Indices of about `most` of the series, chosen by hash; all where there are no more."""
    every = np.arange(series)
    hashes = _hash(every, np.zeros_like(every), seed)
    limit = int(min(1.0, most / max(series, 1)) * 0xFFFFFFFF)
    return every[(hashes & np.uint64(0xFFFFFFFF)) <= np.uint64(limit)]
