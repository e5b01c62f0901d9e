"""Convert an origin's past to the long frames of Nixtla's libraries, and their forecasts to arrays.

Each series begins at its first sale; periods that were not observed are 0. Negative forecasts become 0.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from benchmarks.demand.data import LEVELS, MEDIAN, Answer, Origin
from models.demand.panel import Panel

ID: Final = "unique_id"
TIME: Final = "ds"
UNITS: Final = "y"
MODEL: Final = "model"
BANDS: Final = (50, 80, 90, 95)  # percent: their ends are LEVELS without the median
_CONFORMAL_WINDOWS: Final = (2, 8)


def conformal_windows(origin: Origin) -> int:
    """The number of earlier windows from which bands are learned: as many as half of the past holds, from 2 to 8."""
    return int(np.clip(origin.past.periods // (2 * origin.horizon), *_CONFORMAL_WINDOWS))


def past_rows(panel: Panel, shortest: int = 1) -> tuple[np.ndarray, pd.DataFrame]:
    """Which series have sold, (series,) bool, and their rows, times as numbers of periods.

    A series with fewer than `shortest` periods since its first sale begins with zeros, as far as the panel goes.
    """
    first = panel.first_sale
    has_sold = first < panel.periods
    start = np.minimum(first, max(panel.periods - shortest, 0))
    row, period = np.nonzero((np.arange(panel.periods) >= start[:, None]) & has_sold[:, None])
    return has_sold, pd.DataFrame({ID: row, TIME: period, UNITS: panel.units[row, period].astype(np.float32)})


def coming_rows(origin: Origin, has_sold: np.ndarray) -> pd.DataFrame:
    """One row for each series that has sold and each period of the horizon, without units."""
    coming = np.arange(origin.past.periods, origin.past.periods + origin.horizon)
    series = np.flatnonzero(has_sold)
    return pd.DataFrame({ID: np.repeat(series, len(coming)), TIME: np.tile(coming, len(series))})


def with_dates(rows: pd.DataFrame, panel: Panel, horizon: int) -> pd.DataFrame:
    """The rows with dates for numbers of periods."""
    dates = panel.frequency.dates(panel.first, panel.periods + horizon).astype("datetime64[ns]")
    return rows.assign(**{TIME: dates[rows[TIME]]})


def feature(values: np.ndarray, everything: np.ndarray, is_categorical: bool) -> Any:
    """A column of a frame: numbers as they are, codes as categories. `everything` holds all codes."""
    if not is_categorical:
        return values
    size = int(np.nan_to_num(everything, nan=-1).max(initial=0)) + 1
    codes: np.ndarray = np.nan_to_num(values, nan=-1).astype(np.int32)
    names = pd.Index([str(code) for code in range(size)])
    return pd.Categorical.from_codes(codes.tolist(), names)


def answer(has_sold: np.ndarray, found: pd.DataFrame, origin: Origin) -> Answer:
    """A library's rows as arrays. Series that never sold get 0. A missing end of a band is the point forecast.

    A missing point forecast, where a series is shorter than a season, is the last units.
    """
    shape = (len(has_sold), origin.horizon)
    mean, quantiles = np.zeros(shape), np.zeros((*shape, len(LEVELS)))
    if not has_sold.any():
        return Answer(mean, quantiles)
    found = found.sort_values([ID, TIME])
    point = found[MODEL].to_numpy(dtype=np.float64).reshape(-1, origin.horizon)
    point = np.where(np.isfinite(point), point, origin.past.units[has_sold, -1:])
    names = [f"{MODEL}-lo-{band}" for band in reversed(BANDS)] + [f"{MODEL}-hi-{band}" for band in BANDS]
    ends = found[names].to_numpy(dtype=np.float64).reshape(*point.shape, len(names))
    ends = np.insert(np.where(np.isfinite(ends), ends, point[..., None]), MEDIAN, point, axis=-1)
    mean[has_sold], quantiles[has_sold] = np.maximum(point, 0), np.sort(np.maximum(ends, 0), axis=-1)
    return Answer(mean, quantiles)
