"""Pairs the interactions of each customer, and computes each item's strongest neighbours from the pairs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.sparse import csr_array

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.interactions import KINDS, Interactions
from recsys.kernels.pair_counts import Pairs, ragged, run_starts, top_of_rows
from recsys.retrieval.protocol import FitData

PAIRS_PER_BLOCK: Final = 4_000_000  # limits the memory
SHRINKAGE: Final = 3.0  # added to both items' squared norms, so that a single customer makes no strong neighbours


@dataclass(frozen=True)
class Relation:
    """Which interactions are paired: from `from_kinds` to `to_kinds`, at most `window_days` apart."""

    from_kinds: tuple[str, ...]
    to_kinds: tuple[str, ...]
    window_days: float
    any_order: bool  # False: only later interactions are paired
    reason: str  # of a recommendation; {name} is the seed item, {deed} what the user did with it
    similar_reason: str  # the same on the page of the item {name}

    def mask(self, kinds: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
        return np.isin(kinds, [KINDS.index(name) for name in names])


def strongest_neighbours(relation: Relation, state: FitData) -> csr_array:
    """(items, items) float32: row i holds the cosines of item i's strongest neighbours, columns sorted.

    Items are processed in blocks with a limited number of pairs, so memory grows with the result only.
    """
    interactions = _last_interactions(state.interactions.latest(state.parameters.visitor_interactions), relation)
    pairing = Pairing.of(interactions, relation, state)
    blocks = [_neighbours(pairing, events, state.parameters.neighbours) for events in pairing.blocks()]
    rows, columns, values = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return rows_to_csr(rows, columns, values, (interactions.item_count, interactions.item_count))


def rows_to_csr(rows: np.ndarray, columns: np.ndarray, values: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """A sparse matrix from entries sorted by row."""
    offsets = np.zeros(shape[0] + 1, np.int32)
    np.cumsum(np.bincount(rows, minlength=shape[0]), out=offsets[1:])
    return csr_array((values, columns.astype(np.int32, copy=False), offsets), shape=shape, copy=False)


@dataclass(frozen=True)
class Pairing:
    """Which interactions are paired: interaction e with the interactions targets[low[e] : high[e]]."""

    interactions: Interactions
    weights: np.ndarray  # (interactions,) float32: the root of each interaction's weight, which decays with age
    targets: np.ndarray  # (targets,) the interactions of `to_kinds`, oldest first within a customer
    low: np.ndarray
    high: np.ndarray
    norms: np.ndarray  # (items,) float32
    by_item: np.ndarray  # the interactions of `from_kinds`, sorted by item

    @classmethod
    def of(cls, interactions: Interactions, relation: Relation, state: FitData) -> Self:
        half_lives = (state.now - interactions.times) / (state.parameters.pair_half_life_days * SECONDS_PER_DAY)
        weights = np.exp2(-half_lives / 2)
        targets = np.flatnonzero(relation.mask(interactions.kinds, relation.to_kinds))
        low, high = _reach(interactions, relation, state.parameters.reach)
        sources = np.flatnonzero(relation.mask(interactions.kinds, relation.from_kinds))
        return cls(
            interactions=interactions,
            weights=weights.astype(np.float32),
            targets=targets,
            low=np.searchsorted(targets, low),
            high=np.searchsorted(targets, high),
            norms=np.sqrt(np.bincount(interactions.items, weights**2, minlength=interactions.item_count) + SHRINKAGE),
            by_item=sources[np.argsort(interactions.items[sources], kind="stable")],
        )

    def blocks(self) -> Iterator[np.ndarray]:
        """Blocks of `by_item` with at most PAIRS_PER_BLOCK pairs; an item's interactions are never split."""
        pairs = np.cumsum((self.high - self.low)[self.by_item])
        ends = np.append(run_starts(self.interactions.items[self.by_item])[1:], len(self.by_item))
        start = 0
        while start < len(self.by_item):
            done = int(pairs[start - 1]) if start else 0
            within = ends[(ends > start) & (pairs[ends - 1] - done <= PAIRS_PER_BLOCK)]
            stop = int(within[-1]) if len(within) else int(ends[ends > start][0])
            yield self.by_item[start:stop]
            start = stop
        yield self.by_item[:0]


def _last_interactions(interactions: Interactions, relation: Relation) -> Interactions:
    """Each customer's last interaction with each item, per side of the relation: a customer counts once per pair."""
    is_from = relation.mask(interactions.kinds, relation.from_kinds)
    is_to = relation.mask(interactions.kinds, relation.to_kinds)
    rows = interactions.rows
    kept = np.zeros(len(interactions), bool)
    for side in (is_from & ~is_to, is_to):
        places = np.flatnonzero(side)
        pairs = Pairs.of(rows[places], interactions.items[places], interactions.item_count)
        if len(pairs.starts):
            kept[places[np.maximum.reduceat(pairs.order, pairs.starts)]] = True
    return interactions.where(kept)


def _reach(interactions: Interactions, relation: Relation, reach: int) -> tuple[np.ndarray, np.ndarray]:
    """The first and one past the last interaction of the same customer that each may be paired with."""
    places = np.arange(len(interactions))
    rows = interactions.rows
    # All customers share one time axis, further apart than the window, so that one searchsorted serves them all.
    window = int(relation.window_days * SECONDS_PER_DAY)
    span = int(np.ptp(interactions.times)) + 2 * window + 1 if len(interactions) else 1
    axis = rows * span + interactions.times - (interactions.times.min() if len(interactions) else 0)
    low = np.maximum(np.searchsorted(axis, axis - window), places - reach) if relation.any_order else places
    high = np.minimum(np.searchsorted(axis, axis + window, side="right"), places + reach + 1)
    return low, high


def _neighbours(pairing: Pairing, events: np.ndarray, limit: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows, columns and cosines of the strongest neighbours of the items of the interactions `events`."""
    interactions = pairing.interactions
    low = pairing.low[events]
    lengths = np.maximum(pairing.high[events] - low, 0)
    _, places = ragged(low, lengths)
    reached = pairing.targets[places]
    starts = run_starts(interactions.items[events])
    items = interactions.items[events[starts]].astype(np.int64)
    indptr = np.concatenate([[0], np.cumsum(lengths)])
    shape = (len(events), interactions.item_count)
    towards = csr_array((pairing.weights[reached], interactions.items[reached], indptr), shape=shape)
    own = (pairing.weights[events], np.arange(len(events)), np.append(starts, len(events)))
    summed = csr_array(own, shape=(len(items), len(events))) @ towards
    summed.sort_indices()
    rows = np.repeat(items, np.diff(summed.indptr))
    other = np.flatnonzero(rows != summed.indices)
    rows, columns = rows[other], summed.indices[other]
    cosines = (summed.data[other] / (pairing.norms[rows] * pairing.norms[columns])).astype(np.float32)
    kept = top_of_rows(rows, cosines, limit)
    return rows[kept], columns[kept].astype(np.int32), cosines[kept]
