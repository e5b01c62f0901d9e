"""Co-visitation: items with which the same customers interacted close together in time, per relation.

Each customer's last interaction with an item is paired with the next few within the relation's window. So a pair counts
once per customer; its weight decays with age. The cosine over customers keeps popular items from being neighbours of
everything (Linden, Smith and York, 2003). Each item keeps its strongest neighbours. It fails where customers have one
item each.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np
from scipy.sparse import csr_array

from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import UserHistory, UserItemAggregates
from recsys.kernels.jit import jit, read_only
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_in
from recsys.retrieval.covisitation.neighbours import Relation, strongest_neighbours
from recsys.retrieval.protocol import Column, FitData

SESSION_DECAY: Final = 0.8  # per step back from the latest item
BUCKETS: Final = 256


class CoVisitation:
    """One relation's neighbours as a sparse matrix (items, items); row i holds the neighbours of item i."""

    name: ClassVar[str]
    relation: ClassVar[Relation]

    def __init__(self, neighbours: csr_array, parameters: RecommendParameters) -> None:
        self.neighbours = neighbours
        self._arrays = read_only(neighbours.indptr), read_only(neighbours.indices), read_only(neighbours.data)
        self._seeds = parameters.anchors
        self._from_kinds = np.isin(np.arange(len(KINDS)), [KINDS.index(kind) for kind in self.relation.from_kinds])

    @classmethod
    def fit(cls, state: FitData) -> Self:
        return cls(strongest_neighbours(cls.relation, state), state.parameters)

    @classmethod
    def columns(cls, parameters: RecommendParameters) -> tuple[Column, ...]:
        # The session has a column of its own: a long history would outweigh the current item.
        limit = parameters.candidates_per_relation
        return (Column(cls.name, limit=limit, weight=0.3), Column(f"{cls.name}_session", limit=limit, weight=0.3))

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        _retrieve(user.aggregates, self._from_kinds, self._seeds, *self._arrays, pool, first)

    def strongest_seeds(self, user: UserHistory, items: np.ndarray) -> np.ndarray:
        """For each of `items`, the seed item that adds most to its score, -1 if none does; (items,) int64."""
        found = np.full(len(items), -1)
        _strongest_seeds(user.aggregates, self._from_kinds, self._seeds, *self._arrays, items, found)
        return found

    def similar(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """The item's neighbours and their scores."""
        if item + 1 >= len(self.neighbours.indptr):  # appended after the fit
            return self.neighbours.indices[:0], self.neighbours.data[:0]
        span = slice(self.neighbours.indptr[item], self.neighbours.indptr[item + 1])
        return self.neighbours.indices[span], self.neighbours.data[span]

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        matrix = self.neighbours
        parts = {"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data}
        return {f"{self.name}_{part}": array for part, array in parts.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        parts = [np.asarray(arrays[f"{cls.name}_{part}"]) for part in ("data", "indices", "indptr")]
        size = len(parts[2]) - 1
        return cls(csr_array(tuple(parts), shape=(size, size), copy=False), parameters)


@jit
def seed_places(aggregates: UserItemAggregates, weights: np.ndarray, from_kinds: np.ndarray, limit: int) -> np.ndarray:
    """Indices into `aggregates` of the items with a positive weight and one of `from_kinds`, by descending weight."""
    usable = np.empty(len(weights), np.int64)
    count = 0
    for place in range(len(weights)):
        is_usable = False
        for kind in range(len(from_kinds)):
            is_usable |= from_kinds[kind] and aggregates.counts[place, kind] > 0
        if is_usable and weights[place] > 0:
            usable[count] = place
            count += 1
    usable = usable[:count]
    return usable[np.argsort(-weights[usable], kind="mergesort")[:limit]]


@jit
def session_weights(aggregates: UserItemAggregates) -> np.ndarray:
    """(items,) float32: recency in the current session, 1 for the latest item, 0 for items not in it."""
    weights = np.empty(len(aggregates.items), np.float32)
    for place in range(len(weights)):
        weights[place] = (
            0.0 if aggregates.session_counts[place] == 0 else SESSION_DECAY ** aggregates.session_steps[place]
        )
    return weights


@jit
def add_neighbours(
    seeds: np.ndarray,
    weights: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    pool: CandidatePool,
    column: int,
) -> None:
    """Add each seed's weight times its neighbours' cosines to `column`; items past `indptr` have no neighbours."""
    item_rows, rows, size = pool.item_rows, pool.items, pool.size
    scores = pool.scores[column]
    for place in range(len(seeds)):
        item = seeds[place]
        if item + 1 >= len(indptr):
            continue
        for entry in range(indptr[item], indptr[item + 1]):
            scores[row_in(indices[entry], item_rows, rows, size)] += weights[place] * data[entry]


@jit
def _retrieve(
    aggregates: UserItemAggregates,
    from_kinds: np.ndarray,
    limit: int,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    pool: CandidatePool,
    first: int,
) -> None:
    for step in range(2):
        weights = aggregates.interest if step == 0 else session_weights(aggregates)
        seeds = seed_places(aggregates, weights, from_kinds, limit)
        if len(seeds):
            shares = weights[seeds] / weights[seeds[0]]
            add_neighbours(aggregates.items[seeds], shares, indptr, indices, data, pool, first + step)


@jit
def _strongest_seeds(
    aggregates: UserItemAggregates,
    from_kinds: np.ndarray,
    limit: int,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    items: np.ndarray,
    found: np.ndarray,
) -> None:
    best = np.zeros(len(items))
    # A hash table of `items`, with chaining: nearly none of the hundreds of neighbours are among them.
    heads, following = np.full(BUCKETS, -1), np.empty(len(items), np.int64)
    for row in range(len(items)):
        following[row] = heads[items[row] % BUCKETS]
        heads[items[row] % BUCKETS] = row
    for place in seed_places(aggregates, aggregates.interest, from_kinds, limit):
        seed, interest = aggregates.items[place], aggregates.interest[place]
        if seed + 1 >= len(indptr):
            continue
        for entry in range(indptr[seed], indptr[seed + 1]):
            row = heads[indices[entry] % BUCKETS]
            while row >= 0:
                if indices[entry] == items[row] and interest * data[entry] > best[row]:
                    best[row], found[row] = interest * data[entry], seed
                row = following[row]


class ViewedTogether(CoVisitation):
    """Any interaction within a day."""

    name = "viewed_together"
    relation = Relation(
        from_kinds=KINDS,
        to_kinds=KINDS,
        window_days=1.0,
        any_order=True,
        reason="because you {deed} {name}",
        similar_reason="goes with {name}",
    )


class ViewedThenBought(CoVisitation):
    """Ordered within a week after a view."""

    name = "viewed_then_bought"
    relation = Relation(
        from_kinds=("view", "cart"),
        to_kinds=("order",),
        window_days=7.0,
        any_order=False,
        reason="bought by others who viewed {name}",
        similar_reason="bought by others who viewed {name}",
    )


class BoughtTogether(CoVisitation):
    """Ordered in the same order, or in another one within a month."""

    name = "bought_together"
    relation = Relation(
        from_kinds=("cart", "order"),
        to_kinds=("cart", "order"),
        window_days=30.0,
        any_order=True,
        reason="often bought with {name}",
        similar_reason="often bought with {name}",
    )


RELATIONS: Final = (ViewedTogether, ViewedThenBought, BoughtTogether)
