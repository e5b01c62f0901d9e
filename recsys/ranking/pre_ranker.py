"""Priors: how much each source's word counts in a first blend, by which candidates are limited before the ranker.

The weights are learnt per store and moment by logistic regression on pairs (Burges et al., RankNet, 2005, with a linear
scorer): what was chosen should blend higher than what was not. No weight is negative, for a source only ever speaks for
an item.
"""

from typing import Final

import numpy as np
from scipy.optimize import minimize

PAIRS_PER_CASE: Final = 40
RIDGE: Final = 1e-3
LEAST_CASES: Final = 100  # below which the sources' own weights stay


def shares_of(scores: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """(rows, columns) float32: each column's share of its best score within the same case; `sizes` (cases,)."""
    starts = np.cumsum(sizes) - sizes
    best = np.maximum.reduceat(scores, starts, axis=0)
    return np.asarray(scores / np.where(best > 0, best, 1.0).repeat(sizes, axis=0), np.float32)


def learnt_priors(
    scores: np.ndarray, labels: np.ndarray, sizes: np.ndarray, defaults: np.ndarray, seed: int
) -> np.ndarray:
    """(columns,) float32 from the candidates' board columns (rows, columns), their labels (rows,) and case sizes."""
    if len(sizes) < LEAST_CASES:
        return defaults
    differences = _differences(shares_of(scores, sizes), labels, sizes, np.random.default_rng(seed))
    if not len(differences):  # where everything was chosen nothing was preferred
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
    """(pairs, columns) float64: a chosen candidate's shares less those of another one of the same case."""
    parts = [np.zeros((0, shares.shape[1]))]
    start = 0
    for size in sizes.tolist():
        own, chosen = shares[start : start + size], labels[start : start + size] > 0
        if chosen.any() and not chosen.all():
            better = random.choice(np.flatnonzero(chosen), PAIRS_PER_CASE)
            worse = random.choice(np.flatnonzero(~chosen), PAIRS_PER_CASE)
            parts.append(own[better] - own[worse])
        start += size
    return np.concatenate(parts).astype(np.float64)
