"""Metrics of how many orders customers place, and of what they spend."""

from typing import Final

import numpy as np
from scipy.stats import rankdata

from benchmarks.customers.split import Split
from models.lifetime_value.metrics import interval_coverage
from models.statistics.probability_metrics import normalised_gini

# orders and spend; where the method has an interval, spend_low and spend_high; each (customers,)
Prediction = dict[str, np.ndarray]
Metrics = dict[str, float | None]
LIKELY_BUYER: Final = 1.0  # expected orders; with fewer, most spend nothing, which every interval from 0 contains


def order_metrics(cut: Split, prediction: Prediction) -> Metrics:
    """All metrics of one method; None where the metric is undefined, or the method has no interval."""
    return _orders_metrics(cut.orders, prediction["orders"]) | _spend_metrics(cut.spend, prediction)


def correlation(one: np.ndarray, other: np.ndarray) -> float | None:
    """Pearson's; None where either does not vary."""
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _orders_metrics(truth: np.ndarray, predicted: np.ndarray) -> Metrics:
    error = predicted - truth
    return {
        "orders_total_error": _total_error(truth, predicted),
        "orders_mae": float(np.abs(error).mean()),
        "orders_rmse": float(np.sqrt((error**2).mean())),
        "orders_corr": correlation(truth, predicted),
    }


def _spend_metrics(truth: np.ndarray, prediction: Prediction) -> Metrics:
    spend = prediction["spend"]
    likely = prediction["orders"] >= LIKELY_BUYER
    return {
        "spend_total_error": _total_error(truth, spend),
        "spend_spearman": correlation(rankdata(truth), rankdata(spend)),
        "spend_gini": normalised_gini(truth, spend),
        "spend_coverage": _coverage(truth, prediction, np.ones(len(truth), bool)),
        "spend_coverage_of_likely_buyers": _coverage(truth, prediction, likely),
    }


def _total_error(truth: np.ndarray, predicted: np.ndarray) -> float | None:
    return float(predicted.sum() / truth.sum() - 1) if truth.sum() else None


def _coverage(truth: np.ndarray, prediction: Prediction, chosen: np.ndarray) -> float | None:
    """The share of the `chosen` (customers,) bool whose spend is in the interval."""
    if "spend_low" not in prediction or not chosen.any():
        return None
    return interval_coverage(truth[chosen], prediction["spend_low"][chosen], prediction["spend_high"][chosen])
