"""mlforecast with LightGBM, both with their defaults, on the features that its documentation builds.

Features are lags by the season, rolling means, parts of the date, attributes and known-future covariates. Bands are
mlforecast's own conformal ones, which need a past as long as their windows; shorter series begin with zeros.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lightgbm import LGBMRegressor
from mlforecast import MLForecast
from mlforecast.lag_transforms import RollingMean
from mlforecast.utils import PredictionIntervals

from benchmarks.demand.data import Answer, Origin
from benchmarks.demand.rows import (
    BANDS,
    ID,
    MODEL,
    TIME,
    answer,
    coming_rows,
    conformal_windows,
    feature,
    past_rows,
    with_dates,
)


@dataclass(frozen=True)
class Recipe:
    """The features at one frequency, all lengths in periods."""

    pandas: str
    lags: tuple[int, ...]
    rolling_means: tuple[tuple[int, int], ...]  # (lag, window)
    date_features: tuple[str, ...]


RECIPES: Final[Mapping[str, Recipe]] = {
    "day": Recipe(
        "D", (1, 2, 7, 14, 21, 28), ((1, 7), (1, 28), (7, 7), (7, 28)), ("dayofweek", "day", "week", "month")
    ),
    # 7D, since a week may begin on any weekday.
    "week": Recipe("7D", (1, 2, 3, 4, 13, 26, 52), ((1, 4), (1, 13), (1, 26)), ("week", "month", "quarter")),
    "month": Recipe("MS", (1, 2, 3, 6, 12), ((1, 3), (1, 6), (1, 12)), ("month", "quarter", "year")),
}


def lightgbm(origin: Origin, seed: int, threads: int) -> Answer:
    """One model for all series, applied step by step."""
    panel, windows = origin.past, conformal_windows(origin)
    has_sold, rows = past_rows(panel, shortest=windows * origin.horizon + 1)
    if not has_sold.any():
        return answer(has_sold, rows, origin)
    coming = coming_rows(origin, has_sold)
    for name, values in panel.attributes.items():
        rows[name] = feature(values[rows[ID]], values, name in origin.categorical)
    for frame in (rows, coming):
        for name, values in panel.future.items():
            known = values[:, : panel.periods + origin.horizon]
            frame[name] = feature(known[frame[ID], frame[TIME]], known, name in origin.categorical)
    library = _library(RECIPES[panel.frequency.name], seed, threads)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        library.fit(
            with_dates(rows, panel, origin.horizon),
            static_features=list(panel.attributes),
            dropna=False,  # a year's lag would cost a year of rows; LightGBM takes missing values
            prediction_intervals=PredictionIntervals(n_windows=windows, h=origin.horizon),
        )
        future = with_dates(coming, panel, origin.horizon) if panel.future else None
        found = library.predict(origin.horizon, X_df=future, level=list(BANDS))
    return answer(has_sold, found, origin)


def _library(recipe: Recipe, seed: int, threads: int) -> MLForecast:
    transforms: dict[int, list[Any]] = {}
    for lag, window in recipe.rolling_means:
        transforms.setdefault(lag, []).append(RollingMean(window))
    return MLForecast(
        models={MODEL: LGBMRegressor(random_state=seed, n_jobs=threads, verbosity=-1)},
        freq=recipe.pandas,
        lags=list(recipe.lags),
        lag_transforms=transforms,
        date_features=list(recipe.date_features),
        num_threads=threads,
    )
