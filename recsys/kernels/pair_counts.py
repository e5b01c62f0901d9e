"""Sums over (row, column) pairs: built by one sort, read by binary search."""

from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class Pairs:
    """The distinct pairs among entries (row, column), sorted by row, then column.

    `keys` (pairs,) int64 is row * width + column; `order` (entries,) sorts the entries; `starts` (pairs,) is the start
    of each pair's entries in that order.
    """

    width: int
    keys: np.ndarray
    order: np.ndarray
    starts: np.ndarray

    @classmethod
    def of(cls, rows: np.ndarray, columns: np.ndarray, width: int) -> Self:
        """The pairs of the entries; `width` is larger than every column."""
        entries = rows.astype(np.int64) * width + columns
        order = np.argsort(entries, kind="stable")
        ordered = entries[order]
        starts = run_starts(ordered)
        return cls(width, ordered[starts], order, starts)

    @property
    def rows(self) -> np.ndarray:
        return self.keys // self.width

    @property
    def columns(self) -> np.ndarray:
        return self.keys % self.width

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Each pair's sum of its entries' values, (pairs,)."""
        return np.add.reduceat(values[self.order], self.starts) if len(self.starts) else values[:0]

    def minima(self, values: np.ndarray) -> np.ndarray:
        """Each pair's least value, (pairs,)."""
        return np.minimum.reduceat(values[self.order], self.starts) if len(self.starts) else values[:0]


def run_starts(values: np.ndarray) -> np.ndarray:
    """The start of each run of equal values in sorted `values`."""
    is_first = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=is_first[1:])
    return is_first.nonzero()[0]


def find(keys: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The index of each wanted key in the sorted `keys`, -1 if missing; (wanted,) int64."""
    if not len(keys):
        return np.full(len(wanted), -1, np.int64)
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, places, -1)


def ragged(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The rows and positions of the slices [start, start + length); row r occurs lengths[r] times."""
    rows = np.repeat(np.arange(len(starts)), lengths)
    first = np.cumsum(lengths) - lengths
    return rows, np.arange(len(rows)) - np.repeat(first - starts, lengths)


def top_of_rows(rows: np.ndarray, values: np.ndarray, limit: int) -> np.ndarray:
    """Ascending positions of each row's `limit` largest values, the first of equal ones; `rows` is sorted."""
    starts = run_starts(rows)
    stops = np.append(starts[1:], len(rows))
    if not len(starts) or (stops - starts).max() <= limit:
        return np.arange(len(rows))
    chosen = [_top(values[a:b], limit) + a for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
    return np.concatenate(chosen)


def _top(values: np.ndarray, limit: int) -> np.ndarray:
    if len(values) <= limit:
        return np.arange(len(values))
    threshold = np.partition(values, -limit)[-limit]
    kept = (values >= threshold).nonzero()[0]
    if len(kept) > limit:  # equal values at the limit: keep the first
        equal = (values[kept] == threshold).nonzero()[0]
        kept = np.delete(kept, equal[limit - len(kept) :])
    return np.asarray(kept)
