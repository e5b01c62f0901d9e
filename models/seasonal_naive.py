"""The baseline of demand: every day sells what the same weekday sold in the last known week."""

from typing import Final

import numpy as np

from models.demand_forecast import QUANTILES, DemandForecast
from models.demand_history import DemandHistory

WEEK: Final = 7


def seasonal_naive(history: DemandHistory, horizon_days: int, band_days: int = 364) -> DemandForecast:
    """Repeat the last week; the band adds the 0.1 and 0.9 quantiles of the item's own week-on-week differences.

    The differences are those of the last `band_days`. The point is kept as mean and median.
    """
    weeks = -(-horizon_days // WEEK)
    point = np.tile(history.units[:, -WEEK:], (1, weeks))[:, :horizon_days].astype(np.float64)
    recent = history.units[:, -(band_days + WEEK) :]
    low, high = np.quantile(recent[:, WEEK:] - recent[:, :-WEEK], (QUANTILES[0], QUANTILES[-1]), axis=1)
    band = np.stack([point + low[:, None], point, point + high[:, None]], axis=-1)
    return DemandForecast(point, np.sort(np.maximum(band, 0), axis=-1))
