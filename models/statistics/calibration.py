"""Calibration: from a score that ranks to a probability, fitted to later cases than the score's model.

Platt's sigmoid has two parameters and smoothed targets, which suits little data (Platt, "Probabilistic outputs for
support vector machines", 1999).
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

OFFSET_BOUND: Final = 12.0  # log-odds


@dataclass(frozen=True)
class PlattCalibration:
    """expit(slope * score + intercept); the slope is never negative, so that the ranking is never reversed."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, score: np.ndarray, outcome: np.ndarray) -> Self:
        """Minimise the log loss of Platt's smoothed targets; where the score ranks backwards, use the mean outcome."""
        happened = int(outcome.sum())
        target = np.where(outcome > 0, (happened + 1) / (happened + 2), 1 / (len(outcome) - happened + 2))
        # A case with target t counts as a positive case of weight t and a negative case of weight 1 - t.
        model = LogisticRegression(C=1e6, max_iter=1000)
        model.fit(
            np.concatenate([score, score])[:, None],
            np.repeat([1, 0], len(score)),
            sample_weight=np.concatenate([target, 1 - target]),
        )
        slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
        return cls(slope, intercept) if slope > 0 else cls(0.0, float(logit(target.mean())))

    def probability(self, score: np.ndarray) -> np.ndarray:
        return np.asarray(expit(self.slope * score + self.intercept))


def mean_calibration_offset(log_odds: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None) -> float:
    """What to add to all log-odds so that the mean probability equals the mean outcome; 0 where nothing can."""
    mean = float(np.average(outcome, weights=weight))

    def excess(offset: float) -> float:
        return float(np.average(expit(log_odds + offset), weights=weight)) - mean

    if excess(-OFFSET_BOUND) >= 0 or excess(OFFSET_BOUND) <= 0:
        return 0.0
    return float(brentq(excess, -OFFSET_BOUND, OFFSET_BOUND))
