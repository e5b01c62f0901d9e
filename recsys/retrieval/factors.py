"""Factors: taste as a short vector, learnt from who chose what (implicit alternating least squares, iALS).

Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", 2008, fitted by the library
`implicit`; the weight of what was not chosen and the regularisation follow Rendle et al., "Revisiting the performance
of iALS", 2021. A shopper's vector is solved for at each request from the history and the visit as they are now
(fold-in), so that new customers have one at once. It breaks where customers have one item each.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recsys.board import Board
from recsys.compiled import compiled, read_only
from recsys.interactions import ItemCounters
from recsys.items import Items
from recsys.pairs import Pairs
from recsys.parameters import RecommendParameters
from recsys.retrieval.source import Column, State
from recsys.scratch import OfLast
from recsys.shopper import Shopper

UNCHOSEN_WEIGHT: Final = 0.003  # of an item that was not chosen, where a chosen one has 1
REGULARISATION: Final = 0.03  # per chosen item and per weight of the unchosen ones
ITERATIONS: Final = 10
LEAST_PAIRS: Final = 500  # customers' items, below which no taste is learnt
MOST_SCORED: Final = 1_200  # items that other sources have written, the first ones
FOLDED_ITEMS: Final = 100  # of a history, by interest, that a shopper's vector is solved from


class Factors:
    """`vectors` (items, factors) float32; `gram` (factors, factors) float32 is their Gram matrix with the ridge."""

    name: ClassVar[str] = "factors"

    def __init__(self, vectors: np.ndarray, gram: np.ndarray) -> None:
        self.vectors, self.gram = read_only(vectors), read_only(gram)
        self._taste = OfLast(self._taste_of)

    @classmethod
    def fit(cls, state: State) -> Self:
        interactions = state.interactions.latest(state.parameters.visitor_interactions)
        pairs = Pairs.of(interactions.rows, interactions.items, interactions.item_count)
        shape = (len(interactions.customers), interactions.item_count)
        factors = min(state.parameters.factors, *shape)
        if len(pairs.keys) < LEAST_PAIRS or factors < 2:
            return cls(np.zeros((shape[1], 0), np.float32), np.zeros((0, 0), np.float32))
        chosen = csr_matrix((np.ones(len(pairs.keys), np.float32), (pairs.rows, pairs.columns)), shape=shape)
        active = len(np.unique(pairs.rows))
        # Per Rendle et al. the ridge grows with how much is known of a row; `implicit` has one for all: the mean row's.
        known = (len(pairs.keys) / active + len(pairs.keys) / shape[1]) / 2 / UNCHOSEN_WEIGHT
        ridge = REGULARISATION * (known + (active + shape[1]) / 2)
        vectors = _fitted(chosen, factors, ridge, state.seed, state.threads)
        gram = vectors.T.astype(np.float64) @ vectors + ridge * np.eye(factors)
        return cls(vectors, gram.astype(np.float32))

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (Column("factors", limit=parameters.candidates_by_factors, prior=0.5, is_ranked=True),)

    @staticmethod
    def judgements() -> tuple[str, ...]:
        return ("factors_score", "factors_cosine")

    def propose(self, shopper: Shopper, eligible: np.ndarray, board: Board, first: int) -> None:
        """Scores what other sources have written; of all items would take longer than a request may."""
        if self.vectors.shape[1] and not shopper.is_stranger:
            _propose(self._taste.get(shopper), self.vectors, board, first)

    def judge(self, shopper: Shopper, candidates: np.ndarray, out: np.ndarray) -> None:
        if not self.vectors.shape[1] or shopper.is_stranger:
            out[:] = 0.0
            return
        _judge(self._taste.get(shopper), self.vectors, candidates, out)

    def grown(self, items: Items, counters: ItemCounters) -> Self:
        unknown = np.zeros((len(items) - len(self.vectors), self.vectors.shape[1]), np.float32)
        return type(self)(np.concatenate([self.vectors, unknown]), self.gram)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"factors_vectors": self.vectors, "factors_gram": self.gram}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(*(np.asarray(arrays[f"factors_{name}"]) for name in ("vectors", "gram")))

    def _taste_of(self, shopper: Shopper) -> np.ndarray:
        return _folded_in(shopper.touches.items, shopper.touches.interest, self.vectors, self.gram)


def _fitted(chosen: csr_matrix, factors: int, ridge: float, seed: int, threads: int) -> np.ndarray:
    """(items, factors) float32, the same for the same input whatever the threads."""
    from implicit.cpu.als import AlternatingLeastSquares  # a service that only answers does without it

    # A BLAS with threads of its own makes the library several times slower.
    with threadpool_limits(1, "blas"):
        model = AlternatingLeastSquares(
            factors=factors,
            regularization=ridge,
            alpha=1.0 / UNCHOSEN_WEIGHT,
            iterations=ITERATIONS,
            num_threads=threads,
            random_state=seed,
        )
        model.fit(chosen, show_progress=False)
    return np.asarray(model.item_factors, np.float32)


@compiled
def _folded_in(items: np.ndarray, interest: np.ndarray, vectors: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """The taste that explains the history best: ridge regression on the items' vectors, by Cholesky."""
    size = vectors.shape[1]
    system, target = gram.astype(np.float64), np.zeros(size)
    for place in np.argsort(-interest, kind="mergesort")[:FOLDED_ITEMS]:
        vector = vectors[items[place]]
        for row in range(size):
            target[row] += vector[row] / UNCHOSEN_WEIGHT
            for column in range(row + 1):
                system[row, column] += (1.0 / UNCHOSEN_WEIGHT - 1.0) * vector[row] * vector[column]
    return _solved(system, target).astype(np.float32)


@compiled
def _solved(system: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Of system @ x = target for a positive definite system, of which the lower triangle is read and overwritten."""
    size = len(target)
    for row in range(size):
        for column in range(row + 1):
            found = system[row, column]
            for place in range(column):
                found -= system[row, place] * system[column, place]
            system[row, column] = np.sqrt(found) if row == column else found / system[column, column]
    solution = target.copy()
    for row in range(size):
        for place in range(row):
            solution[row] -= system[row, place] * solution[place]
        solution[row] /= system[row, row]
    for row in range(size - 1, -1, -1):
        for place in range(row + 1, size):
            solution[row] -= system[place, row] * solution[place]
        solution[row] /= system[row, row]
    return solution


@compiled
def _propose(taste: np.ndarray, vectors: np.ndarray, board: Board, first: int) -> None:
    for slot in range(min(board.size[0], MOST_SCORED)):
        board.scores[slot, first] = max(_dot(taste, vectors[board.items[slot]]), np.float32(0))


@compiled
def _judge(taste: np.ndarray, vectors: np.ndarray, candidates: np.ndarray, out: np.ndarray) -> None:
    length = np.sqrt(_dot(taste, taste))
    for row in range(len(candidates)):
        vector = vectors[candidates[row]]
        score, norm = _dot(taste, vector), np.sqrt(_dot(vector, vector)) * length
        out[row, 0] = score
        out[row, 1] = score / norm if norm > 0 else 0.0


@compiled
def _dot(first: np.ndarray, second: np.ndarray) -> float:
    """Four sums side by side, which a processor adds up at once; always in the same order."""
    a, b, c, d = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
    whole = len(first) - len(first) % 4
    for place in range(0, whole, 4):
        a += first[place] * second[place]
        b += first[place + 1] * second[place + 1]
        c += first[place + 2] * second[place + 2]
        d += first[place + 3] * second[place + 3]
    for place in range(whole, len(first)):
        a += first[place] * second[place]
    return float((a + b) + (c + d))
