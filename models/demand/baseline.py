"""Baselines of demand: seasonal naive, and the quantiles of what the item itself sold lately."""

from typing import Final

import numpy as np

from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.panel import Panel

RECENT_PERIODS: Final = {"day": 56, "week": 12, "month": 12}
_NO_CHANGE: Final = 0.0


def seasonal_naive(panel: Panel, horizon: int) -> DemandForecast:
    """Repeat the last cycle (week of days, year of weeks or months); a shorter past repeats its last period.

    The quantiles add the quantiles of the series' changes from cycle to cycle within its last year, over observed
    cells. The repeated units are both mean and median.
    """
    cycle = panel.frequency.cycle if panel.periods >= panel.frequency.cycle else 1
    repeats = -(-horizon // cycle)
    point = np.tile(panel.units[:, -cycle:], (1, repeats))[:, :horizon].astype(np.float64)
    recent = slice(-(panel.frequency.year + cycle), None)
    units = np.where(panel.is_observed, panel.units, np.nan)[:, recent]
    change = units[:, cycle:] - units[:, :-cycle]
    change = np.where(np.isfinite(change).any(axis=1, keepdims=True), change, _NO_CHANGE) if change.size else point * 0
    spread = np.nanquantile(change, QUANTILE_LEVELS, axis=1).T[:, None, :]
    levels = np.asarray(QUANTILE_LEVELS)
    ends = np.where(levels < 0.5, np.minimum(spread, 0), np.where(levels > 0.5, np.maximum(spread, 0), _NO_CHANGE))
    return DemandForecast(point, np.maximum(point[..., None] + ends, 0), is_count=panel.is_count)


def own_recent(panel: Panel, horizon: int) -> DemandForecast:
    """Mean and quantiles of each series' last RECENT_PERIODS since its first sale, over observed cells.

    They are the same in every step. A series without a sale gets 0.
    """
    recent = slice(-RECENT_PERIODS[panel.frequency.name], None)
    begun = np.arange(panel.periods) >= panel.first_sale[:, None]
    mean, quantiles = sample_quantiles(np.where(panel.is_observed & begun, panel.units, np.nan)[:, recent])
    shape = len(mean), horizon
    every_step = np.broadcast_to(quantiles[:, None], (*shape, len(QUANTILE_LEVELS)))
    return DemandForecast(np.broadcast_to(mean[:, None], shape), every_step, is_count=panel.is_count)


def sample_quantiles(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The mean (rows,) and the quantiles (rows, QUANTILE_LEVELS) of each row's values; NaN is none, no value gives 0.

    A quantile is the least of the values that at least its share of them do not exceed.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64), axis=1)
    count = np.isfinite(ordered).sum(axis=1)
    rank = np.ceil(count[:, None] * np.asarray(QUANTILE_LEVELS) - 1e-9).astype(np.int64) - 1
    found = np.take_along_axis(ordered, np.clip(rank, 0, ordered.shape[1] - 1), axis=1)
    mean = np.nansum(ordered, axis=1) / np.maximum(count, 1)
    return mean, np.where(count[:, None] > 0, found, 0)
