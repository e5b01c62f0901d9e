"""Pre-ranking: a linear score over the pool's columns that limits the candidates before the ranker.

The weights are learned per store and scenario by logistic regression on pairs (Burges et al., RankNet, 2005, with a
linear scorer): a chosen item should score higher than an item that was not chosen. No weight is negative, because a
score of a source is always evidence for the item.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.optimize import minimize

from recsys.kernels.jit import jit, read_only
from recsys.retrieval.candidate_pool import CandidatePool
from recsys.retrieval.protocol import Column
from recsys.retrieval.retriever import Retrieved

PAIRS_PER_EXAMPLE: Final = 40
RIDGE: Final = 1e-3
LEAST_GROUPS: Final = 100  # with fewer, the sources' own weights stay


@dataclass(frozen=True)
class PreRanker:
    """Limits the candidates of a request to the best `limit` by a weighted sum of the columns' shares.

    `weights` (2, columns) float32 are those outside a session and inside one.
    """

    weights: np.ndarray
    limit: int

    @classmethod
    def of(cls, weights: np.ndarray, limit: int) -> Self:
        return cls(read_only(weights), limit)

    @classmethod
    def default(cls, columns: Sequence[Column], limit: int) -> Self:
        """With the sources' own weights."""
        own = [column.weight for column in columns]
        return cls.of(np.array([own, own], np.float32), limit)

    def select(self, retrieved: Retrieved, in_session: bool) -> tuple[Retrieved, np.ndarray]:
        """The best candidates, in the given order, and their scores (candidates,) float32."""
        scores = pre_ranking_scores(retrieved.pool, retrieved.rows, self.weights[int(in_session)])
        if len(scores) <= self.limit:
            return retrieved, scores
        kept = np.sort(np.argpartition(-scores, self.limit)[: self.limit])
        return retrieved.taken(kept), scores[kept]


@jit
def pre_ranking_scores(pool: CandidatePool, rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(rows,) float32: the weighted sum of each column's share of its best score; `weights` (columns,)."""
    found = np.zeros(len(rows), np.float32)
    for column in range(len(weights)):
        if weights[column] == 0:
            continue
        scores = pool.scores[column]
        best = np.float32(0)
        for row in rows:
            best = max(best, scores[row])
        if best > 0:
            share = weights[column] / best
            for place in range(len(rows)):
                found[place] += share * scores[rows[place]]
    return found


def shares_of(scores: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(rows, columns) float32: each column's share of its best score within the same group; `sizes` (groups,)."""
    starts = np.cumsum(sizes) - sizes
    best = np.maximum.reduceat(scores, starts, axis=0)
    return np.asarray(scores / np.where(best > 0, best, 1.0).repeat(sizes, axis=0), np.float32)


def learned_weights(
    scores: np.ndarray, labels: np.ndarray, sizes: np.ndarray, defaults: np.ndarray, seed: int
) -> np.ndarray:
    """(columns,) float32 from the candidates' pool columns (rows, columns), their labels (rows,) and group sizes."""
    if len(sizes) < LEAST_GROUPS:
        return defaults
    differences = _differences(shares_of(scores, sizes), labels, sizes, np.random.default_rng(seed))
    if not len(differences):  # where every candidate was chosen, none was preferred
        return defaults

    def loss(weights: np.ndarray) -> tuple[float, np.ndarray]:
        margins = differences @ weights
        slope = -1.0 / (1.0 + np.exp(np.minimum(margins, 50.0)))
        value = np.logaddexp(0.0, -margins).mean() + RIDGE * weights @ weights
        return float(value), differences.T @ slope / len(margins) + 2 * RIDGE * weights

    bounds = [(0.0, None)] * scores.shape[1]
    found = minimize(loss, defaults.astype(np.float64), jac=True, method="L-BFGS-B", bounds=bounds)
    return np.asarray(found.x, np.float32) if found.x.any() else defaults


def _differences(shares: np.ndarray, labels: np.ndarray, sizes: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """(pairs, columns) float64: a chosen candidate's shares minus those of another one of the same group."""
    parts = [np.zeros((0, shares.shape[1]))]
    start = 0
    for size in sizes.tolist():
        own, chosen = shares[start : start + size], labels[start : start + size] > 0
        if chosen.any() and not chosen.all():
            better = random.choice(np.flatnonzero(chosen), PAIRS_PER_EXAMPLE)
            worse = random.choice(np.flatnonzero(~chosen), PAIRS_PER_EXAMPLE)
            parts.append(own[better] - own[worse])
        start += size
    return np.concatenate(parts).astype(np.float64)
