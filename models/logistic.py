"""Logistic regression on log-scaled, standardised numbers: on little data, hard to beat."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from sklearn.linear_model import LogisticRegression

CONSTANT: Final = 1e-9  # spread below which a number does not vary


@dataclass(frozen=True)
class LogisticModel:
    """Log-odds = intercept + sum of contributions; a missing number contributes nothing."""

    means: np.ndarray  # (features,) of the log-scaled numbers
    scales: np.ndarray  # (features,)
    weights: np.ndarray  # (features,)
    intercept: float

    @classmethod
    def fit(cls, features: np.ndarray, outcome: np.ndarray, inverse_penalty: float) -> Self:
        """Fit to features (cases, features), NaN where missing, and outcomes 0 or 1 (cases,), both of which occur."""
        logs = _log_scaled(features)
        present = ~np.isnan(logs)
        counts = np.maximum(present.sum(axis=0), 1)
        means = np.where(present, logs, 0.0).sum(axis=0) / counts
        deviations = np.where(present, logs - means, 0.0)
        scales = np.sqrt((deviations**2).sum(axis=0) / counts)
        scales[scales < CONSTANT] = 1.0  # a number that never varies carries rounding errors, not information
        model = LogisticRegression(C=inverse_penalty, max_iter=1000).fit(deviations / scales, outcome)
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


def _log_scaled(features: np.ndarray) -> np.ndarray:
    """Counts, days and money are skewed; their logarithms are less so."""
    scaled: np.ndarray = np.sign(features) * np.log1p(np.abs(features))
    return scaled
