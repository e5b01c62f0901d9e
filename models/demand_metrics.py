"""How good a demand forecast is: WAPE, RMSSE, pinball loss, and how often the band held the truth."""

import numpy as np

from models.demand_forecast import QUANTILES


def wape(actual: np.ndarray, forecast: np.ndarray) -> float | None:
    """Weighted absolute percentage error: the sum of absolute errors over the sum of units; None where nothing sold."""
    total = float(actual.sum())
    return float(np.abs(actual - forecast).sum()) / total if total > 0 else None


def rmsse_scale(past: np.ndarray) -> np.ndarray:
    """Each item's mean squared day-on-day change from its first sale on, (items,); NaN where it is 0 or unknown.

    The denominator of the M5 Competitors' Guide. An item that never sold, sold on its last day only, or never changed
    has none, and must be reported apart: a clipped denominator would rule the mean.
    """
    sold = past > 0
    started = np.logical_or.accumulate(sold, axis=1)[:, :-1]
    squares = np.square(np.diff(past.astype(np.float64), axis=1)) * started
    days = started.sum(axis=1)
    scale = squares.sum(axis=1) / np.maximum(days, 1)
    return np.where(scale > 0, scale, np.nan)


def rmsse(actual: np.ndarray, forecast: np.ndarray, past: np.ndarray) -> float | None:
    """Root mean squared scaled error, averaged over the items that have a scale; None where none has.

    `actual` and `forecast` are (items, days ahead), `past` (items, days before). Expects the mean, which minimises it.
    """
    scale = rmsse_scale(past)
    errors = np.sqrt(np.square(actual - forecast).mean(axis=1) / scale)
    return float(np.nanmean(errors)) if np.isfinite(scale).any() else None


def pinball(actual: np.ndarray, quantiles: np.ndarray) -> float:
    """The pinball loss in units per item and day, averaged over QUANTILES; `quantiles` has them on its last axis."""
    error = actual[..., None] - quantiles
    levels = np.asarray(QUANTILES)
    return float(np.maximum(levels * error, (levels - 1) * error).mean())


def coverage(actual: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The share of actual values that lie in the band, its ends included."""
    return float(((actual >= low) & (actual <= high)).mean())
