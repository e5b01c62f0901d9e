"""Metrics of predicted probabilities: ranking and calibration."""

import math
from typing import Any, Final

import numpy as np
from sklearn.metrics import average_precision_score, brier_score_loss, roc_auc_score

BINS: Final = 10
TOP_SHARE: Final = 0.1
Z_SCORE: Final = 1.2816  # of an 80 % interval


def probability_metrics(outcome: np.ndarray, probability: np.ndarray) -> dict[str, float | None]:
    """AUC, average precision, Brier score, ECE, the part of the ECE beyond chance, and lift at 10 %.

    `outcome` is 0 or 1 and `probability` in [0, 1], both (cases,). All are None where the outcomes are all the same.
    """
    assert outcome.shape == probability.shape
    if len(outcome) == 0 or outcome.min() == outcome.max():
        return dict.fromkeys(("auc", "average_precision", "brier", "ece", "ece_excess", "lift_at_10"))
    return {
        "auc": float(roc_auc_score(outcome, probability)),
        "average_precision": float(average_precision_score(outcome, probability)),
        "brier": float(brier_score_loss(outcome, probability)),
        "ece": calibration_error(outcome, probability),
        "ece_excess": max(calibration_error(outcome, probability) - chance_calibration_error(probability), 0.0),
        "lift_at_10": lift(outcome, probability, TOP_SHARE),
    }


def calibration_error(outcome: np.ndarray, probability: np.ndarray) -> float:
    """Expected calibration error: |mean outcome - mean probability| over ten bins of equal size, weighted by size.

    Cases of equal probability share a bin, so that only the mean of a constant prediction counts.
    """
    bins = _bins(probability)
    errors = [abs(outcome[rows].mean() - probability[rows].mean()) * len(rows) for rows in bins]
    return float(sum(errors) / len(outcome))


def chance_calibration_error(probability: np.ndarray) -> float:
    """The ECE that a perfectly calibrated prediction has by chance: large on few cases.

    The mean absolute deviation of a bin's mean outcome is about sqrt(2 / pi) of its standard deviation.
    """
    deviations = [math.sqrt(float((probability[rows] * (1 - probability[rows])).sum())) for rows in _bins(probability)]
    return math.sqrt(2 / math.pi) * sum(deviations) / len(probability)


def lift(outcome: np.ndarray, probability: np.ndarray, share: float) -> float:
    """How many times as often the outcome occurs in the top `share` of cases as in all; ties count by their mean."""
    top = math.ceil(len(outcome) * share)
    threshold = np.sort(probability)[-top]
    above, tied = probability > threshold, probability == threshold
    hits = outcome[above].sum() + outcome[tied].mean() * (top - above.sum())
    return float(hits / top / outcome.mean())


def reliability_curve(outcome: np.ndarray, probability: np.ndarray) -> list[dict[str, Any]]:
    """Per bin: cases, mean probability, and the share of cases with the outcome."""
    return [
        {
            "cases": len(rows),
            "predicted": round(float(probability[rows].mean()), 6),
            "observed": round(float(outcome[rows].mean()), 6),
        }
        for rows in _bins(probability)
    ]


def share_coverage(outcome: np.ndarray, probability: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The share of the ten bins in which the mean interval contains the share of cases with the outcome.

    That share is itself uncertain in few cases: the bin's interval is widened by the 80 % interval of the share.
    """
    covered = []
    for rows in _bins(probability):
        share, expected = outcome[rows].mean(), probability[rows].mean()
        chance = Z_SCORE**2 * expected * (1 - expected) / len(rows)
        below = math.hypot(expected - low[rows].mean(), math.sqrt(chance))
        above = math.hypot(high[rows].mean() - expected, math.sqrt(chance))
        covered.append(expected - below <= share <= expected + above)
    return float(np.mean(covered))


def normalised_gini(actual: np.ndarray, predicted: np.ndarray) -> float | None:
    """How well `predicted` ranks what was spent: 1 for the ranking of `actual` itself, 0 for a constant.

    Both are (cases,), `actual` not negative; tied predictions count by the mean of their cases. None where all of
    `actual` is the same.
    """
    own = _gini(actual, actual)
    return _gini(actual, predicted) / own if own > 0 else None


def _gini(actual: np.ndarray, order: np.ndarray) -> float:
    """Area between the diagonal and the curve of the share of `actual` in the cases of highest `order`."""
    if len(actual) == 0 or actual.sum() <= 0:
        return 0.0
    _, tie, size = np.unique(-order, return_inverse=True, return_counts=True)
    groups = np.sort(tie.ravel())
    mean = np.bincount(tie.ravel(), weights=actual) / size
    cumulated = np.cumsum(mean[groups]) / actual.sum()
    return float((cumulated - np.arange(1, len(actual) + 1) / len(actual)).mean())


def _bins(probability: np.ndarray) -> list[np.ndarray]:
    """Row numbers of up to ten quantile bins, lowest first."""
    edges = np.unique(np.quantile(probability, np.linspace(0, 1, BINS + 1)[1:-1]))
    number = np.searchsorted(edges, probability, side="left")
    return [np.flatnonzero(number == n) for n in np.unique(number)]
