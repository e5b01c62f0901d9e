"""Item2Vec: the items whose embeddings are nearest to the session's.

Unlike co-visitation, embeddings also relate items that never occurred together, through items that occurred with both.
It fails where sessions are short, and has no vectors for items that were appended after the fit.
"""

from functools import cached_property
from typing import Any, ClassVar, Final, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import UserHistory
from recsys.kernels.ann_index import AnnIndex, nearest
from recsys.kernels.jit import jit, read_only
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.item2vec.embeddings import STEPS, fit_item_embeddings
from recsys.retrieval.protocol import Column, FitData

_ARRAYS: Final = ("rows", "lengths", "step_weights")


class Item2Vec:
    """The item vectors in an ANN index, and the weights that make a session's vector of them.

    `rows` (items,) int32 is the row of each item in the index, -1 without a vector; `lengths` (vectors,) float32 is the
    weight of each item in a session; `step_weights` (STEPS,) float32 is the weight of each step back.
    """

    name: ClassVar[str] = "vectors"

    def __init__(
        self,
        index: AnnIndex,
        rows: np.ndarray,
        lengths: np.ndarray,
        step_weights: np.ndarray,
        parameters: RecommendParameters,
    ) -> None:
        self.index = index.frozen()
        self.rows, self.lengths, self.step_weights = read_only(rows), read_only(lengths), read_only(step_weights)
        self._limit, self._neighbours = parameters.candidates_by_vector, parameters.neighbours

    @classmethod
    def fit(cls, state: FitData) -> Self:
        p = state.parameters
        learned = fit_item_embeddings(
            state.log, state.now, p.vector_dimensions, p.vector_epochs, p.vector_examples, state.seed
        )
        index = AnnIndex.of(learned.items, learned.vectors, state.seed)
        rows = np.full(len(state.items), -1, np.int32)
        rows[index.items] = np.arange(len(index.items), dtype=np.int32)
        lengths = learned.lengths[np.searchsorted(learned.items, index.items)]
        return cls(index, rows, lengths, learned.step_weights, p)

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (Column("vector", limit=parameters.candidates_by_vector, weight=0.3, is_max_normalised=False),)

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        _, session = user.derived(self.session_of)
        if len(session):
            items, cosines = nearest(self.index, session, eligible, self._limit)
            _write(items, cosines, pool, first)

    def similar(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """The items nearest to `item`, best first, and their positive cosines."""
        if item >= len(self.rows) or self.rows[item] < 0:
            return np.empty(0, np.int32), np.empty(0, np.float32)
        own = self.index.vectors[self.rows[item]].copy()
        items, cosines = nearest(self.index, own, self._everything, self._neighbours + 1)
        others = (items != item) & (cosines > 0)
        return items[others][: self._neighbours], cosines[others][: self._neighbours]

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        parts = self.index._asdict() | {name: getattr(self, name) for name in _ARRAYS}
        return {f"vectors_{name}": array for name, array in parts.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        index = AnnIndex(*(np.asarray(arrays[f"vectors_{name}"]) for name in AnnIndex._fields))
        rows, lengths, step_weights = (np.asarray(arrays[f"vectors_{name}"]) for name in _ARRAYS)
        return cls(index, rows, lengths, step_weights, parameters)

    @cached_property
    def _everything(self) -> np.ndarray:
        return np.ones(len(self.rows), bool)

    def session_of(self, user: UserHistory) -> tuple[np.ndarray, np.ndarray]:
        """The recent items, and the session's unit vector (width,) float32, empty if none of them has a vector."""
        recent = recent_items(user)
        return recent, _session_vector(recent, self.rows, self.index.vectors, self.lengths, self.step_weights)


def recent_items(user: UserHistory) -> np.ndarray:
    """The latest items of the current session, or else of the history, oldest first; (items <= STEPS,) int32."""
    first = user.session_start if user.in_session else 0
    return np.array(user.items[max(first, len(user.items) - STEPS) :], np.int32)


@jit
def vector_row(item: int, rows: np.ndarray) -> int:
    """The row of the item's vector, -1 if it has none."""
    return rows[item] if item < len(rows) else -1  # items past the end were appended after the fit


@jit
def _session_vector(
    recent: np.ndarray, rows: np.ndarray, vectors: np.ndarray, lengths: np.ndarray, step_weights: np.ndarray
) -> np.ndarray:
    summed = np.zeros(vectors.shape[1], np.float32)
    for step in range(min(len(recent), len(step_weights))):
        row = vector_row(recent[len(recent) - 1 - step], rows)
        if row >= 0:
            weight = step_weights[step] * lengths[row]
            for dimension in range(len(summed)):
                summed[dimension] += weight * vectors[row, dimension]
    squares = np.float32(0)
    for value in summed:
        squares += value * value
    return summed / np.float32(np.sqrt(squares)) if squares > 0 else summed[:0]


@jit
def _write(items: np.ndarray, cosines: np.ndarray, pool: CandidatePool, first: int) -> None:
    for place in range(len(items)):
        pool.scores[first, row_of(pool, items[place])] = (1 + cosines[place]) / 2  # a score is never negative
