"""Metrics of predictions of who orders again, how often and for how much."""

import math
from typing import Final

import numpy as np
from scipy.stats import rankdata

from benchmarks.customers.point_forecasts import median_orders
from benchmarks.customers.split import Split
from models.lifetime_value.interval import COVERAGE
from models.statistics.probability_metrics import probability_metrics

# probability, orders, spend; a score, where that ranks instead of the probability; mean_orders, where orders are not
# the mean; bounds such as spend_low and spend_high
Prediction = dict[str, np.ndarray]
RANKING: Final = ("auc", "average_precision", "lift_at_10")
CALIBRATION: Final = ("brier", "ece")
TWO_SIDED_95: Final = 1.96


def order_metrics(cut: Split, prediction: Prediction) -> dict[str, float | list[float] | None]:
    """All metrics of one method; None where the method has no such prediction, or the metric is undefined."""
    again = (cut.orders > 0).astype(float)
    ranked = probability_metrics(again, _within_one(prediction.get("score", prediction["probability"])))
    calibrated = probability_metrics(again, prediction["probability"])
    metrics: dict[str, float | list[float] | None] = {name: ranked[name] for name in RANKING}
    metrics |= {name: calibrated[name] for name in CALIBRATION} | {"auc_interval": auc_interval(ranked["auc"], again)}
    metrics |= _orders_metrics(cut.orders, prediction.get("orders"))
    metrics["orders_mae_of_median"] = _error_of_median(cut.orders, prediction)
    metrics |= _spend_metrics(cut.spend, prediction.get("spend"))
    for name, truth in (("orders", cut.orders), ("spend", cut.spend)):
        low, high = (prediction.get(f"{name}_{end}") for end in ("low", "high"))
        metrics[f"{name}_coverage"] = _coverage(truth, low, high)
        metrics[f"{name}_coverage_told"] = _expected_coverage(prediction["probability"], low)
    return metrics


def normalised_gini(truth: np.ndarray, prediction: np.ndarray) -> float | None:
    """1 where the prediction ranks customers as the actual values do, 0 at random; ties count by their mean.

    The Gini of the actual values in the order of the prediction, over their Gini in their own order: a quotient of
    covariances with ranks. None where all actual values are the same.
    """
    own = np.cov(truth, rankdata(truth))[0, 1]
    return None if own == 0 else float(np.cov(truth, rankdata(prediction))[0, 1] / own)


def correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Pearson's; None where either does not vary."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def auc_interval(auc: float | None, outcome: np.ndarray) -> list[float] | None:
    """The 95 % interval (low, high) of an AUC: Hanley and McNeil, Radiology 1982."""
    if auc is None:
        return None
    happened = float(outcome.sum())
    did_not = len(outcome) - happened
    both_above, both_below = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    variance = auc * (1 - auc) + (happened - 1) * (both_above - auc**2) + (did_not - 1) * (both_below - auc**2)
    spread = TWO_SIDED_95 * math.sqrt(max(variance, 0.0) / (happened * did_not))
    return [max(auc - spread, 0.0), min(auc + spread, 1.0)]


def _within_one(score: np.ndarray) -> np.ndarray:
    """Scores in [0, 1] of the same order, for metrics of rank."""
    return np.asarray(rankdata(score) / len(score))


def _orders_metrics(truth: np.ndarray, predicted: np.ndarray | None) -> dict[str, float | None]:
    if predicted is None:
        return dict.fromkeys(("orders_total_error", "orders_mae", "orders_rmse", "orders_corr"))
    error = predicted - truth
    return {
        "orders_total_error": float(predicted.sum() / truth.sum() - 1) if truth.sum() else None,
        "orders_mae": float(np.abs(error).mean()),
        "orders_rmse": float(np.sqrt((error**2).mean())),
        "orders_corr": correlation(truth, predicted),
    }


def _error_of_median(truth: np.ndarray, prediction: Prediction) -> float | None:
    """The mean absolute error of each customer's median, which minimises that error.

    `orders_mae` uses the same predictions as the total and the squared error; one number cannot be best for all three.
    """
    if "orders" not in prediction:
        return None
    mean = prediction.get("mean_orders", prediction["orders"])
    return float(np.abs(median_orders(prediction["probability"], mean) - truth).mean())


def _spend_metrics(truth: np.ndarray, predicted: np.ndarray | None) -> dict[str, float | None]:
    if predicted is None:
        return dict.fromkeys(("spend_spearman", "spend_gini", "spend_total_error"))
    return {
        "spend_spearman": correlation(rankdata(truth), rankdata(predicted)),
        "spend_gini": normalised_gini(truth, predicted),
        "spend_total_error": float(predicted.sum() / truth.sum() - 1) if truth.sum() else None,
    }


def _expected_coverage(probability: np.ndarray, low: np.ndarray | None) -> float | None:
    """The value that `_coverage` should have by the method's own probabilities.

    It is COVERAGE. An interval that begins at 0 contains all customers who order nothing, which may be more.
    """
    if low is None:
        return None
    return float(np.where(low <= 0, np.maximum(COVERAGE, 1 - probability), COVERAGE).mean())


def _coverage(truth: np.ndarray, low: np.ndarray | None, high: np.ndarray | None) -> float | None:
    if low is None or high is None:
        return None
    return float(((low <= truth) & (truth <= high)).mean())
