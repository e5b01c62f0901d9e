"""The baseline of demand, seasonal naive: every period sells what the same period of the last cycle sold."""

from typing import Final

import numpy as np

from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.panel import Panel

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
    return DemandForecast(point, np.maximum(point[..., None] + ends, 0))
