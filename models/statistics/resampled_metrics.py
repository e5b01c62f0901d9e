"""Metrics that are no means over cases, computed on many resamples at a time.

Each takes `times` (resamples, cases), how often each case counts, and returns (resamples,); NaN where it is undefined.
Bind the outcome with `functools.partial` to get a `ResampledMetric` of `models.statistics.paired_bootstrap`.
"""

import numpy as np


def resampled_auc(outcome: np.ndarray, score: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of `score` for outcomes 0 or 1; ties count half."""
    order, starts = _groups(score)
    counts = times[:, order]
    positive = np.add.reduceat(counts * outcome[order], starts, axis=1)
    negative = np.add.reduceat(counts * (1 - outcome[order]), starts, axis=1)
    below = np.cumsum(negative, axis=1) - negative
    return _ratio((positive * (below + negative / 2)).sum(axis=1), positive.sum(axis=1) * negative.sum(axis=1))


def resampled_gini(actual: np.ndarray, predicted: np.ndarray, times: np.ndarray) -> np.ndarray:
    """`normalised_gini` of models.statistics.probability_metrics."""
    return _ratio(_gini(actual, predicted, times), _gini(actual, actual, times))


def resampled_r2(outcome: np.ndarray, predicted: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The squared correlation of prediction and outcome; 0 where it is negative or the prediction is constant."""
    weight = times / times.sum(axis=1, keepdims=True)
    deviation, error = outcome - outcome.mean(), predicted - predicted.mean()
    mean, mean_predicted = weight @ deviation, weight @ error
    covariance = weight @ (deviation * error) - mean * mean_predicted
    spread = weight @ deviation**2 - mean**2
    product = spread * (weight @ error**2 - mean_predicted**2)
    correlation = np.divide(covariance, np.sqrt(np.maximum(product, 0)), out=np.zeros(len(times)), where=product > 0)
    return np.where(spread > 0, np.maximum(correlation, 0) ** 2, np.nan)


def _gini(actual: np.ndarray, score: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Area between the diagonal and the curve of the share of `actual` in the cases of highest `score`."""
    order, starts = _groups(-score)
    size = np.add.reduceat(times[:, order], starts, axis=1)
    total = np.add.reduceat(times[:, order] * actual[order], starts, axis=1)
    above = np.cumsum(total, axis=1) - total
    count, whole = size.sum(axis=1), total.sum(axis=1)
    curve = (size * above + total * (size + 1) / 2).sum(axis=1)
    return _ratio(curve, whole * count) - (count + 1) / (2 * count)


def _groups(score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The order by rising score, (cases,), and where each run of equal scores starts in it."""
    order = np.argsort(score, kind="stable")
    return order, np.concatenate([[0], np.flatnonzero(np.diff(score[order])) + 1])


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    return np.divide(above, below, out=np.full(len(above), np.nan), where=below > 0)
