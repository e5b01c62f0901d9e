"""Metrics of demand forecasts: WAPE, RMSSE, pinball loss, and the coverage of a band.

`where` in every metric is a mask of the cells that count, in the shape of `actual`; None counts all.
"""

from typing import Final

import numpy as np

from models.demand.forecast import QUANTILE_LEVELS

END_SHARE: Final = 0.1  # of the values, due on either side of an 80 % band


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


def tied_coverage(actual: np.ndarray, low: np.ndarray, high: np.ndarray, where: np.ndarray | None = None) -> float:
    """The coverage of a band from the 0.1 to the 0.9 quantile, with values on its ends split.

    They count as outside up to 0.1 on each side, so it is 0.8 where both ends are quantiles: a number q is the 0.1
    quantile where P(Y < q) <= 0.1 <= P(Y <= q). Without ties this is the plain coverage. Of a count with many zeros the
    plain coverage of a correct band is higher, since no value lies below a low end of 0.
    """
    below, at_low = (float(_chosen(each, where).mean()) for each in (actual < low, actual == low))
    above, at_high = (float(_chosen(each, where).mean()) for each in (actual > high, actual == high))
    return 1 - share_outside(below, at_low) - share_outside(above, at_high)


def share_outside(beyond: float, tied: float) -> float:
    """The share outside one end of a band, given the shares `beyond` it and `tied` with it."""
    return float(min(max(END_SHARE, beyond), beyond + tied))


def _chosen(values: np.ndarray, where: np.ndarray | None) -> np.ndarray:
    return values if where is None else values[where]
