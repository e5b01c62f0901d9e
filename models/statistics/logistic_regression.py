"""Logistic regression on log-scaled, standardised numbers: on little data, hard to beat."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

NEWTON_STEPS: Final = 50
LONGEST_STEP: Final = 1.0  # per number: farther away, the curvature here says little
TOLERANCE: Final = 1e-8
LEAST_PENALTY: Final = 1e-6
CONSTANT: Final = 1e-9  # spread below which a number does not vary


@dataclass(frozen=True)
class LogisticModel:
    """Log-odds = intercept + sum of contributions; a missing number contributes nothing."""

    means: np.ndarray  # (features,) of the log-scaled numbers
    scales: np.ndarray  # (features,)
    weights: np.ndarray  # (features,)
    intercept: float

    @classmethod
    def fit(
        cls,
        features: np.ndarray,
        outcome: np.ndarray,
        inverse_penalty: float,
        weight: np.ndarray | None = None,
        offset: np.ndarray | None = None,
    ) -> Self:
        """Fit to features (cases, features), NaN where missing, and outcomes 0 or 1 (cases,), both of which occur.

        `weight` (cases,) says how much each case counts; without it, all count alike. `offset` (cases,) are log-odds
        that are already known: the model is what must be added to them.
        """
        logs = _log_scaled(features)
        present = ~np.isnan(logs)
        counts = np.maximum(present.sum(axis=0), 1)
        means = np.where(present, logs, 0.0).sum(axis=0) / counts
        deviations = np.where(present, logs - means, 0.0)
        scales = np.sqrt((deviations**2).sum(axis=0) / counts)
        scales[scales < CONSTANT] = 1.0  # a number that never varies carries rounding errors, not information
        if offset is not None:
            counts_as = np.ones(len(outcome)) if weight is None else weight
            *weights, intercept = _added(deviations / scales, outcome, counts_as, offset, inverse_penalty)
            return cls(means, scales, np.array(weights), float(intercept))
        model = LogisticRegression(C=inverse_penalty, max_iter=1000).fit(deviations / scales, outcome, weight)
        return cls(means, scales, model.coef_[0].astype(float), float(model.intercept_[0]))

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """What each number adds to the log-odds, (cases, features), against a customer with average numbers."""
        standard = (_log_scaled(features) - self.means) / self.scales
        contributions: np.ndarray = np.nan_to_num(standard, nan=0.0) * self.weights
        return contributions

    def score(self, features: np.ndarray) -> np.ndarray:
        """Log-odds (cases,)."""
        score: np.ndarray = self.contributions(features).sum(axis=1) + self.intercept
        return score

    def to_json(self) -> dict[str, Any]:
        arrays = {"means": self.means, "scales": self.scales, "weights": self.weights}
        return {name: array.tolist() for name, array in arrays.items()} | {"intercept": self.intercept}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        means, scales, weights = (np.asarray(stored[name], dtype=float) for name in ("means", "scales", "weights"))
        return cls(means, scales, weights, float(stored["intercept"]))


def _added(
    standard: np.ndarray, outcome: np.ndarray, weight: np.ndarray, offset: np.ndarray, inverse_penalty: float
) -> np.ndarray:
    """Weights and, last, intercept (features + 1,) beside the offset, by Newton's method; only weights are shrunk."""
    columns = np.column_stack([standard, np.ones(len(standard))])
    penalty = np.full(columns.shape[1], 1 / inverse_penalty)
    penalty[-1] = LEAST_PENALTY
    found = np.zeros(columns.shape[1])
    for _ in range(NEWTON_STEPS):
        probability = expit(offset + columns @ found)
        slope = columns.T @ (weight * (probability - outcome)) + penalty * found
        curvature = (columns * (weight * probability * (1 - probability))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(curvature, slope)
        found -= step * min(1.0, LONGEST_STEP / max(float(np.abs(step).max()), CONSTANT))
        if np.abs(step).max() < TOLERANCE:
            break
    return found


def _log_scaled(features: np.ndarray) -> np.ndarray:
    """Counts, days and money are skewed; their logarithms are less so."""
    scaled: np.ndarray = np.sign(features) * np.log1p(np.abs(features))
    return scaled
