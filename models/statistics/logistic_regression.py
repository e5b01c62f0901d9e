"""Logistic regression on log-scaled, standardised features, which suits little data."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

NEWTON_STEPS: Final = 50
MAX_STEP: Final = 1.0  # of one weight; farther away, the local curvature is no guide
TOLERANCE: Final = 1e-8
INTERCEPT_PENALTY: Final = 1e-6
MIN_SCALE: Final = 1e-9  # a feature with a smaller standard deviation does not vary


@dataclass(frozen=True)
class LogisticModel:
    """Log-odds = intercept + sum of contributions; a missing feature contributes nothing."""

    means: np.ndarray  # (features,) of the log-scaled features
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

        `weight` (cases,) is the weight of each case, by default 1. `offset` (cases,) are known log-odds: the model fits
        what must be added to them.
        """
        logs = _log_scaled(features)
        present = ~np.isnan(logs)
        counts = np.maximum(present.sum(axis=0), 1)
        means = np.where(present, logs, 0.0).sum(axis=0) / counts
        deviations = np.where(present, logs - means, 0.0)
        scales = np.sqrt((deviations**2).sum(axis=0) / counts)
        scales[scales < MIN_SCALE] = 1.0  # the deviations of a constant feature are rounding errors
        if offset is not None:
            weight = np.ones(len(outcome)) if weight is None else weight
            *weights, intercept = _fit_with_offset(deviations / scales, outcome, weight, offset, inverse_penalty)
            return cls(means, scales, np.array(weights), float(intercept))
        model = LogisticRegression(C=inverse_penalty, max_iter=1000).fit(deviations / scales, outcome, weight)
        return cls(means, scales, model.coef_[0].astype(float), float(model.intercept_[0]))

    def contributions(self, features: np.ndarray) -> np.ndarray:
        """What each feature adds to the log-odds of a case with average features, (cases, features)."""
        standard = (_log_scaled(features) - self.means) / self.scales
        return np.asarray(np.nan_to_num(standard, nan=0.0) * self.weights)

    def score(self, features: np.ndarray) -> np.ndarray:
        """Log-odds (cases,)."""
        return np.asarray(self.contributions(features).sum(axis=1) + self.intercept)

    def to_json(self) -> dict[str, Any]:
        arrays = {"means": self.means, "scales": self.scales, "weights": self.weights}
        return {name: array.tolist() for name, array in arrays.items()} | {"intercept": self.intercept}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        means, scales, weights = (np.asarray(stored[name], dtype=float) for name in ("means", "scales", "weights"))
        return cls(means, scales, weights, float(stored["intercept"]))


def _fit_with_offset(
    standard: np.ndarray, outcome: np.ndarray, weight: np.ndarray, offset: np.ndarray, inverse_penalty: float
) -> np.ndarray:
    """Weights and, last, the intercept, (features + 1,), by Newton's method; only the weights are penalised."""
    columns = np.column_stack([standard, np.ones(len(standard))])
    penalty = np.full(columns.shape[1], 1 / inverse_penalty)
    penalty[-1] = INTERCEPT_PENALTY
    coefficients = np.zeros(columns.shape[1])
    for _ in range(NEWTON_STEPS):
        probability = expit(offset + columns @ coefficients)
        gradient = columns.T @ (weight * (probability - outcome)) + penalty * coefficients
        hessian = (columns * (weight * probability * (1 - probability))[:, None]).T @ columns + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        coefficients -= step * min(1.0, MAX_STEP / max(float(np.abs(step).max()), MIN_SCALE))
        if np.abs(step).max() < TOLERANCE:
            break
    return coefficients


def _log_scaled(features: np.ndarray) -> np.ndarray:
    """Counts, days and money are skewed; their logarithms are less so."""
    return np.asarray(np.sign(features) * np.log1p(np.abs(features)))
