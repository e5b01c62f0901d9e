"""Metrics of demand forecasts: WAPE, RMSSE, pinball loss, and the coverage of a band.

`where` in every metric is a mask of the cells that count, in the shape of `actual`; None counts all.
"""

import numpy as np

from models.demand.forecast import QUANTILE_LEVELS


def wape(actual: np.ndarray, forecast: np.ndarray, where: np.ndarray | None = None) -> float | None:
    """Weighted absolute percentage error: the sum of absolute errors over the sum of units; None where nothing sold."""
    error, units = _chosen(np.abs(actual - forecast), where), _chosen(actual, where)
    total = float(units.sum(dtype=np.float64))
    return float(error.sum(dtype=np.float64)) / total if total > 0 else None


def rmsse_scale(past: np.ndarray) -> np.ndarray:
    """Each series' mean squared step from period to period since its first sale, (series,); NaN where 0 or unknown.

    The denominator of the M5 Competitors' Guide. A series that never sold, sold in its last period only, or never
    changed has none, and must be reported apart: a clipped denominator would dominate the mean.
    """
    sold = past > 0
    started = np.logical_or.accumulate(sold, axis=1)[:, :-1]
    squares = np.square(np.diff(past.astype(np.float64), axis=1)) * started
    periods = started.sum(axis=1)
    scale = squares.sum(axis=1) / np.maximum(periods, 1)
    return np.where(scale > 0, scale, np.nan)


def rmsse(actual: np.ndarray, forecast: np.ndarray, past: np.ndarray, where: np.ndarray | None = None) -> float | None:
    """Root mean squared scaled error, averaged over the series that have a scale; None where none has.

    `actual` and `forecast` are (series, steps), `past` (series, periods). Expects the mean, which minimises it.
    """
    counts = np.ones(actual.shape, dtype=bool) if where is None else where
    cells = counts.sum(axis=1)
    squares = (np.square(actual - forecast, dtype=np.float64) * counts).sum(axis=1) / np.maximum(cells, 1)
    errors = np.sqrt(np.where(cells > 0, squares, np.nan) / rmsse_scale(past))
    return float(np.nanmean(errors)) if np.isfinite(errors).any() else None


def pinball(actual: np.ndarray, quantiles: np.ndarray, where: np.ndarray | None = None) -> float:
    """The pinball loss in units per cell, averaged over QUANTILE_LEVELS; `quantiles` has them on its last axis."""
    return float(_chosen(pinball_losses(actual, quantiles), where).mean())


def pinball_losses(actual: np.ndarray, quantiles: np.ndarray) -> np.ndarray:
    """The pinball loss of each cell, averaged over QUANTILE_LEVELS, in the shape of `actual`."""
    levels = np.asarray(QUANTILE_LEVELS)
    error = actual[..., None] - quantiles
    return np.asarray(np.maximum(levels * error, (levels - 1) * error).mean(axis=-1))


def coverage(actual: np.ndarray, low: np.ndarray, high: np.ndarray, where: np.ndarray | None = None) -> float:
    """The share of actual values that lie in the band, its ends included."""
    return float(_chosen((actual >= low) & (actual <= high), where).mean())


def _chosen(values: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    return values if where is None else values[where]
