"""Implicit alternating least squares (iALS): users and items as short vectors, learned from who chose what.

Hu, Koren and Volinsky, "Collaborative filtering for implicit feedback datasets", 2008, fitted by the library
`implicit`. The weight of unchosen items and the regularisation follow Rendle et al., "Revisiting the performance of
iALS", 2021. A user's vector is solved for during the request from the current history and session (fold-in), so new
customers have one at once. It fails where customers have one item each.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import UserHistory
from recsys.kernels.jit import jit, read_only
from recsys.kernels.pair_counts import Pairs
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool
from recsys.retrieval.protocol import Column, FitData

UNCHOSEN_WEIGHT: Final = 0.003  # of an unchosen item; a chosen item has weight 1
REGULARISATION: Final = 0.03  # per chosen item and per unit of unchosen weight
ITERATIONS: Final = 10
LEAST_PAIRS: Final = 500  # distinct (customer, item) pairs; with fewer, nothing is learned
CODES: Final = 127  # largest integer code of an item vector
TASTE_CODES: Final = 8_191  # and of a user vector: a dot product of 2,000 factors still fits into 32 bits
MOST_SCORED: Final = 1_200  # rows of the pool that are scored, the first ones
FOLDED_ITEMS: Final = 100  # items with the most interest, from which a user's vector is solved


class ALS:
    """Item i's vector is codes[i] * scales[i]: `codes` (items, factors) int8, `scales` (items,) float32.

    An int8 vector of 64 factors fits into one cache line, and integer sums are exact in any order, so they can be
    vectorised. `gram` (factors, factors) float32 is the vectors' Gram matrix plus the ridge.
    """

    name: ClassVar[str] = "factors"

    def __init__(self, codes: np.ndarray, scales: np.ndarray, gram: np.ndarray) -> None:
        self.codes, self.scales, self.gram = read_only(codes), read_only(scales), read_only(gram)
        self._inverse = read_only(_inverse(self.gram))

    @classmethod
    def of(cls, vectors: np.ndarray, gram: np.ndarray) -> Self:
        """From vectors (items, factors) float32."""
        largest = np.abs(vectors).max(axis=1, initial=0.0)
        scales = (np.where(largest > 0, largest, 1.0) / CODES).astype(np.float32)
        return cls(np.rint(vectors / scales[:, None]).astype(np.int8), scales, gram)

    @classmethod
    def fit(cls, state: FitData) -> Self:
        interactions = state.interactions.latest(state.parameters.visitor_interactions)
        pairs = Pairs.of(interactions.rows, interactions.items, interactions.item_count)
        shape = (len(interactions.customers), interactions.item_count)
        factors = min(state.parameters.factors, *shape)
        if len(pairs.keys) < LEAST_PAIRS or factors < 2:
            return cls.of(np.zeros((shape[1], 0), np.float32), np.zeros((0, 0), np.float32))
        chosen = csr_matrix((np.ones(len(pairs.keys), np.float32), (pairs.rows, pairs.columns)), shape=shape)
        active = len(np.unique(pairs.rows))
        # In Rendle et al. each row's ridge grows with its number of entries; `implicit` has one ridge: the mean row's.
        known = (len(pairs.keys) / active + len(pairs.keys) / shape[1]) / 2 / UNCHOSEN_WEIGHT
        ridge = REGULARISATION * (known + (active + shape[1]) / 2)
        vectors = _fitted(chosen, factors, ridge, state.seed, state.threads)
        gram = vectors.T.astype(np.float64) @ vectors + ridge * np.eye(factors)
        return cls.of(vectors, gram.astype(np.float32))

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (Column("factors", limit=parameters.candidates_by_factors, weight=0.5, is_ranked=True),)

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        """Scores the items that other sources have written: scoring every item would take too long."""
        if self.codes.shape[1] and not user.is_cold_start:
            _retrieve(*user.derived(self.taste_of), self.codes, self.scales, pool, first)

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        more = len(items) - len(self.codes)
        unknown = np.zeros((more, self.codes.shape[1]), np.int8)
        return type(self)(
            np.concatenate([self.codes, unknown]), np.append(self.scales, np.ones(more, np.float32)), self.gram
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"factors_codes": self.codes, "factors_scales": self.scales, "factors_gram": self.gram}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(*(np.asarray(arrays[f"factors_{name}"]) for name in ("codes", "scales", "gram")))

    def taste_of(self, user: UserHistory) -> tuple[np.ndarray, float]:
        """The user's vector as integer codes (factors,) int16, and the value of one unit."""
        return _taste(user.aggregates.items, user.aggregates.interest, self.codes, self.scales, self._inverse)


def _fitted(chosen: csr_matrix, factors: int, ridge: float, seed: int, threads: int) -> np.ndarray:
    """(items, factors) float32; the result does not depend on the number of threads."""
    from implicit.cpu.als import AlternatingLeastSquares  # serving does not need the library

    # The library is several times slower if BLAS uses threads too.
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


@jit
def _taste(
    items: np.ndarray, interest: np.ndarray, codes: np.ndarray, scales: np.ndarray, inverse: np.ndarray
) -> tuple[np.ndarray, float]:
    main = np.argsort(-interest, kind="mergesort")[:FOLDED_ITEMS]
    vectors = np.empty((len(main), codes.shape[1]))
    for place in range(len(main)):
        item = items[main[place]]
        vectors[place] = codes[item] * scales[item]
    taste = _folded_in(vectors, inverse)
    unit = max(np.abs(taste).max(), 1e-30) / TASTE_CODES
    return np.rint(taste / unit).astype(np.int16), unit


@jit
def _folded_in(vectors: np.ndarray, inverse: np.ndarray) -> np.ndarray:
    """The user vector that explains the items best: ridge regression on their `vectors` (items, factors).

    By the Woodbury identity the system has as many equations as items, which are few, instead of factors. `inverse`
    (factors, factors) is the inverse of the Gram matrix.
    """
    count, size = vectors.shape
    spread = np.zeros((count, size))
    for place in range(count):
        for row in range(size):
            amount = vectors[place, row]
            for column in range(size):
                spread[place, column] += amount * inverse[row, column]
    system, target = np.zeros((count, count)), np.full(count, 1.0 / UNCHOSEN_WEIGHT)
    for row in range(count):
        for column in range(row, count):
            for place in range(size):
                system[row, column] += spread[row, place] * vectors[column, place]
            system[row, column] *= 1.0 / UNCHOSEN_WEIGHT - 1.0
        system[row, row] += 1.0
    _solve(system, target)
    taste = np.zeros(size)
    for place in range(count):
        for column in range(size):
            taste[column] += target[place] * spread[place, column]
    return taste


@jit
def _inverse(gram: np.ndarray) -> np.ndarray:
    """The inverse (factors, factors) float64 of a positive definite matrix, solved column by column."""
    inverse = np.zeros(gram.shape)
    for column in range(len(gram)):
        inverse[column, column] = 1.0
        _solve(gram.astype(np.float64), inverse[column])
    return inverse


@jit
def _solve(system: np.ndarray, target: np.ndarray) -> None:
    """Solve system @ x = target in place: `target` becomes x.

    The system is positive definite; only its upper triangle is read. Gaussian elimination without pivoting: the
    innermost loop runs along a row, so it can be vectorised.
    """
    size = len(target)
    for pivot in range(size):
        for row in range(pivot + 1, size):
            factor = system[pivot, row] / system[pivot, pivot]
            target[row] -= factor * target[pivot]
            for column in range(row, size):
                system[row, column] -= factor * system[pivot, column]
    for row in range(size - 1, -1, -1):
        for column in range(row + 1, size):
            target[row] -= system[row, column] * target[column]
        target[row] /= system[row, row]


@jit
def _retrieve(
    taste: np.ndarray, unit: float, codes: np.ndarray, scales: np.ndarray, pool: CandidatePool, first: int
) -> None:
    rows, scores = pool.items, pool.scores[first]
    for row in range(min(pool.size[0], MOST_SCORED)):
        item = rows[row]
        product = np.int32(0)
        for place in range(codes.shape[1]):
            # 32-bit sums: eight or more are added by one instruction.
            product = np.int32(product + np.int32(taste[place]) * np.int32(codes[item, place]))
        scores[row] = max(product * unit * scales[item], 0.0)
