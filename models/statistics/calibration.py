"""Calibration: from a score that ranks to a probability that is true, fitted on a later snapshot than the score.

Two forms: Platt's sigmoid (two numbers, with Platt's smoothed targets, safe on little data) and isotonic regression
(any rising curve, interpolated between its steps, for plenty of data). Which one is used is decided by cross-validation
on the calibration cases.

Platt, "Probabilistic outputs for support vector machines", 1999; Zadrozny and Elkan, KDD 2002.
"""

from dataclasses import dataclass
from typing import Any, Final, Protocol, Self

import numpy as np
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss

ISOTONIC_MIN_CASES: Final = 1000
FOLDS: Final = 5
LEAST: Final = 1e-4  # no isotonic step promises certainty
GAIN: Final = 0.01  # isotonic must lower the Brier score by this share to be preferred: it makes ties


class Calibration(Protocol):
    """A rising function from score (log-odds) to probability."""

    def probability(self, score: np.ndarray) -> np.ndarray:
        """Probabilities (cases,) in [0, 1] of scores (cases,)."""

    def to_json(self) -> dict[str, Any]:
        """All of it, as JSON."""


@dataclass(frozen=True)
class PlattCalibration:
    """expit(slope * score + intercept); the slope is never negative: calibration cannot turn a ranking round."""

    slope: float
    intercept: float

    @classmethod
    def fit(cls, score: np.ndarray, outcome: np.ndarray) -> Self:
        """Least log loss against Platt's smoothed targets; where the score ranks backwards, the mean outcome."""
        happened = int(outcome.sum())
        target = np.where(outcome > 0, (happened + 1) / (happened + 2), 1 / (len(outcome) - happened + 2))
        # A case with target t is a case that happened with weight t and one that did not with weight 1 - t.
        model = LogisticRegression(C=1e6, max_iter=1000)
        model.fit(
            np.concatenate([score, score])[:, None],
            np.repeat([1, 0], len(score)),
            sample_weight=np.concatenate([target, 1 - target]),
        )
        slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
        return cls(slope, intercept) if slope > 0 else cls(0.0, float(logit(target.mean())))

    def probability(self, score: np.ndarray) -> np.ndarray:
        probability: np.ndarray = expit(self.slope * score + self.intercept)
        return probability

    def to_json(self) -> dict[str, Any]:
        return {"form": "platt", "slope": self.slope, "intercept": self.intercept}


@dataclass(frozen=True)
class IsotonicCalibration:
    """Straight lines between the points (scores[i], probabilities[i]), both rising; flat outside."""

    scores: tuple[float, ...]
    probabilities: tuple[float, ...]

    @classmethod
    def fit(cls, score: np.ndarray, outcome: np.ndarray) -> Self:
        model = IsotonicRegression(y_min=LEAST, y_max=1 - LEAST, out_of_bounds="clip").fit(score, outcome)
        return cls(tuple(map(float, model.X_thresholds_)), tuple(map(float, model.y_thresholds_)))

    def probability(self, score: np.ndarray) -> np.ndarray:
        probability: np.ndarray = np.interp(score, self.scores, self.probabilities)
        return probability

    def to_json(self) -> dict[str, Any]:
        return {"form": "isotonic", "scores": self.scores, "probabilities": self.probabilities}


def fit_calibration(score: np.ndarray, outcome: np.ndarray) -> Calibration:
    """Fit to scores and outcomes (cases,) that the score's model has not seen; both outcomes must occur."""
    if len(score) >= ISOTONIC_MIN_CASES:
        platt, isotonic = (_held_out_brier(form, score, outcome) for form in (PlattCalibration, IsotonicCalibration))
        if isotonic < platt * (1 - GAIN):
            return IsotonicCalibration.fit(score, outcome)
    return PlattCalibration.fit(score, outcome)


def calibration_from_json(stored: dict[str, Any]) -> Calibration:
    """What `to_json` gave."""
    if stored["form"] == "platt":
        return PlattCalibration(stored["slope"], stored["intercept"])
    return IsotonicCalibration(tuple(stored["scores"]), tuple(stored["probabilities"]))


def _held_out_brier(
    form: type[PlattCalibration] | type[IsotonicCalibration], score: np.ndarray, outcome: np.ndarray
) -> float:
    fold = np.arange(len(score)) % FOLDS
    probability = np.empty(len(score))
    for held_out in range(FOLDS):
        seen = fold != held_out
        probability[~seen] = form.fit(score[seen], outcome[seen]).probability(score[~seen])
    return float(brier_score_loss(outcome, probability))
