"""How far each method is believed, per class of demand: weights that the backtest chose, drawn towards their average.

Averages of methods usually win; a method that adds nothing gets no weight.
"""

from typing import Final

import numpy as np
from scipy.optimize import nnls

PULL: Final = 0.1  # towards equal weights, in units of how far the methods differ
ROUNDS: Final = 12
SCALE_LIMITS: Final = (0.7, 1.4)
_TINY: Final = 1e-9


def mean_weights(candidates: np.ndarray, units: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weights >= 0 of (rows, methods) that minimise weighted squared errors; their sum corrects the level."""
    found = _least_squares(candidates, units, weight)
    total = float(found.sum())
    scaled: np.ndarray = found / max(total, _TINY) * np.clip(total, *SCALE_LIMITS)
    return scaled


def median_weights(candidates: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Weights >= 0 that minimise absolute errors, by iterated least squares; their sum is 1.

    The level is not corrected: that the last periods sold somewhat more than expected is more often news than a rule.
    """
    weight = np.ones(len(units))
    floor = 0.01 * max(float(np.abs(units).mean()), _TINY)
    for _ in range(ROUNDS):
        found = _least_squares(candidates, units, weight)
        weight = 1 / np.maximum(np.abs(units - candidates @ found), floor)
    shares: np.ndarray = found / max(float(found.sum()), _TINY)
    return shares


def _least_squares(candidates: np.ndarray, units: np.ndarray, weight: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight)[:, None]
    left, right = candidates * root, units * root[:, 0]
    gram, moment = left.T @ left, left.T @ right
    methods = len(gram)
    apart = left - left.mean(axis=1, keepdims=True)
    pull = PULL * float(np.square(apart).sum()) / methods
    gram += pull * np.eye(methods)
    moment += pull / methods
    factor = np.linalg.cholesky(gram + _TINY * np.trace(gram) * np.eye(methods) + _TINY * np.eye(methods))
    found: np.ndarray = nnls(factor.T, np.linalg.solve(factor, moment))[0]
    return found
