"""Calibration: from a score that ranks to a probability, fitted to later cases than the score's model.

Two methods: Platt's sigmoid (two parameters, with Platt's smoothed targets, for little data) and isotonic regression
(any rising curve, interpolated between its steps, for much data). Cross-validation on the calibration cases chooses.

Platt, "Probabilistic outputs for support vector machines", 1999; Zadrozny and Elkan, KDD 2002.
"""

from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

ISOTONIC_MIN_CASES: Final = 1000
FOLDS: Final = 5
MIN_PROBABILITY: Final = 1e-4  # no isotonic step is certain
MIN_GAIN: Final = 0.01  # the share by which isotonic must lower the Brier score, since it makes ties
OFFSET_BOUND: Final = 12.0  # log-odds


class Calibration(Protocol):
    """A rising function from score (log-odds) to probability."""

    def probability(self, score: np.ndarray) -> np.ndarray:
        """Probabilities (cases,) in [0, 1] of scores (cases,)."""


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


@dataclass(frozen=True)
class IsotonicCalibration:
    """Linear interpolation between the points (scores[i], probabilities[i]), both rising; constant outside."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    @classmethod
    def fit(cls, score: np.ndarray, outcome: np.ndarray) -> Self:
        model = IsotonicRegression(y_min=MIN_PROBABILITY, y_max=1 - MIN_PROBABILITY, out_of_bounds="clip")
        model.fit(score, outcome)
        return cls(tuple(map(float, model.X_thresholds_)), tuple(map(float, model.y_thresholds_)))

    def probability(self, score: np.ndarray) -> np.ndarray:
        return np.asarray(np.interp(score, self.scores, self.probabilities))


def fit_calibration(score: np.ndarray, outcome: np.ndarray) -> Calibration:
    """Fit to scores and outcomes (cases,) that the score's model has not seen; both outcomes must occur."""
    if len(score) >= ISOTONIC_MIN_CASES:
        platt, isotonic = (
            _held_out_brier(method, score, outcome) for method in (PlattCalibration, IsotonicCalibration)
        )
        if isotonic < platt * (1 - MIN_GAIN):
            return IsotonicCalibration.fit(score, outcome)
    return PlattCalibration.fit(score, outcome)


def mean_calibration_offset(log_odds: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None) -> float:
    """What to add to all log-odds so that the mean probability equals the mean outcome; 0 where nothing can."""
    mean = float(np.average(outcome, weights=weight))

    def excess(offset: float) -> float:
        return float(np.average(expit(log_odds + offset), weights=weight)) - mean

    if excess(-OFFSET_BOUND) >= 0 or excess(OFFSET_BOUND) <= 0:
        return 0.0
    return float(brentq(excess, -OFFSET_BOUND, OFFSET_BOUND))


def _held_out_brier(
    method: type[PlattCalibration] | type[IsotonicCalibration], score: np.ndarray, outcome: np.ndarray
) -> float:
    fold = np.arange(len(score)) % FOLDS
    probability = np.empty(len(score))
    for held_out in range(FOLDS):
        is_training = fold != held_out
        probability[~is_training] = method.fit(score[is_training], outcome[is_training]).probability(
            score[~is_training]
        )
    return float(brier_score_loss(outcome, probability))
