"""Similarity features: how near each candidate is to the user by vectors, factors and words, whichever source found it.

Each class compares the candidates with what one source derived from the user's history when it retrieved.
"""

from typing import ClassVar

import numpy as np

from recsys.data.user_history import UserHistory
from recsys.kernels.ann_index import LANES, dot
from recsys.kernels.jit import jit
from recsys.kernels.prefetch import prefetch
from recsys.retrieval.als import ALS
from recsys.retrieval.content import Content
from recsys.retrieval.item2vec.source import Item2Vec, vector_row


class VectorFeatures:
    """Cosines with the session's vector (and how far below the best one), with its last item and the one before."""

    names: ClassVar[tuple[str, ...]] = ("vector_similarity", "vector_gap", "vector_last", "vector_previous")

    def __init__(self, source: Item2Vec) -> None:
        self._source = source

    def score_candidates(self, user: UserHistory, candidates: np.ndarray, out: np.ndarray) -> None:
        out[:] = 0.0
        recent, session = user.derived(self._source.session_of)
        if len(session):
            _vector_features(session, recent, candidates, self._source.rows, self._source.index.vectors, out)


class ContentFeatures:
    """The cosine of the catalogue's words with those of the user's main items."""

    names: ClassVar[tuple[str, ...]] = ("content_similarity",)

    def __init__(self, source: Content) -> None:
        self._source = source

    def score_candidates(self, user: UserHistory, candidates: np.ndarray, out: np.ndarray) -> None:
        out[0] = self._source.cosines(*user.derived(self._source.profile_of), candidates)


class FactorFeatures:
    """The product and the cosine of the item's factors and the user's."""

    names: ClassVar[tuple[str, ...]] = ("factors_score", "factors_cosine")

    def __init__(self, source: ALS) -> None:
        self._source = source

    def score_candidates(self, user: UserHistory, candidates: np.ndarray, out: np.ndarray) -> None:
        codes = self._source.codes
        if not codes.shape[1] or user.is_cold_start:
            out[:] = 0.0
            return
        _factor_features(*user.derived(self._source.taste_of), codes, self._source.scales, candidates, out)


@jit
def _vector_features(
    session: np.ndarray,
    recent: np.ndarray,
    candidates: np.ndarray,
    rows: np.ndarray,
    vectors: np.ndarray,
    out: np.ndarray,
) -> None:
    blocks = vectors.reshape(len(vectors), len(session) // LANES, LANES)
    # Similarity to the session (0), to the last item (2) and to the last other item (3); 1 is the gap to the best.
    _fill(session.reshape(len(session) // LANES, LANES), candidates, rows, blocks, out[0])
    last = vector_row(recent[-1], rows)
    if last >= 0:
        _fill(blocks[last], candidates, rows, blocks, out[2])
    for place in range(len(recent) - 2, -1, -1):
        if recent[place] != recent[-1]:
            previous = vector_row(recent[place], rows)
            if previous >= 0:
                _fill(blocks[previous], candidates, rows, blocks, out[3])
            break
    best = np.float32(-1)
    for place in range(len(candidates)):
        if vector_row(candidates[place], rows) >= 0:
            best = max(best, out[0, place])
    for place in range(len(candidates)):
        if vector_row(candidates[place], rows) >= 0:
            out[1, place] = best - out[0, place]


@jit
def _fill(query: np.ndarray, candidates: np.ndarray, rows: np.ndarray, blocks: np.ndarray, out: np.ndarray) -> None:
    """Write the cosine of the query and each candidate that has a vector."""
    for item in candidates:
        for place in range(0, query.size, 2 * LANES):
            prefetch(blocks, vector_row(item, rows) * query.size + place)
    for place in range(len(candidates)):
        row = vector_row(candidates[place], rows)
        if row >= 0:
            out[place] = dot(blocks, row, query)


@jit
def _factor_features(
    taste: np.ndarray, unit: float, codes: np.ndarray, scales: np.ndarray, candidates: np.ndarray, out: np.ndarray
) -> None:
    length = 0
    for code in taste:
        length += int(code) * int(code)
    for row in range(len(candidates)):
        item = candidates[row]
        product, squares = np.int32(0), np.int32(0)
        for place in range(codes.shape[1]):
            code = np.int32(codes[item, place])
            product = np.int32(product + np.int32(taste[place]) * code)
            squares = np.int32(squares + code * code)
        out[0, row] = product * unit * scales[item]
        out[1, row] = product / np.sqrt(float(squares) * float(length)) if squares and length else 0.0
