"""statsforecast's models with their defaults and their own bands: the model's, or conformal where it has none.

A series that is too short for a model or for its conformal windows is forecast by statsforecast's Naive.
"""

import warnings
from typing import Any

import numpy as np
from statsforecast import StatsForecast
from statsforecast.models import TSB, AutoETS, AutoTheta, CrostonSBA, Naive, SeasonalNaive
from statsforecast.utils import ConformalIntervals

from benchmarks.demand.data import Answer, Origin
from benchmarks.demand.rows import BANDS, MODEL, answer, conformal_windows, past_rows

_SMOOTHING = 0.2  # of TSB, which has no default; the value of its documentation


def seasonal_naive(origin: Origin, seed: int, threads: int) -> Answer:
    """The last season again."""
    return _forecast(SeasonalNaive(origin.past.frequency.cycle, MODEL), origin, seed, threads)


def auto_ets(origin: Origin, seed: int, threads: int) -> Answer:
    """Exponential smoothing, its form by AICc."""
    return _forecast(AutoETS(origin.past.frequency.cycle, alias=MODEL), origin, seed, threads)


def auto_theta(origin: Origin, seed: int, threads: int) -> Answer:
    """The Theta family."""
    return _forecast(AutoTheta(origin.past.frequency.cycle, alias=MODEL), origin, seed, threads)


def croston_sba(origin: Origin, seed: int, threads: int) -> Answer:
    """Croston's method as Syntetos and Boylan corrected it."""
    return _forecast(CrostonSBA(MODEL, _conformal(origin)), origin, seed, threads)


def tsb(origin: Origin, seed: int, threads: int) -> Answer:
    """Teunter, Syntetos and Babai's method."""
    return _forecast(TSB(_SMOOTHING, _SMOOTHING, MODEL, _conformal(origin)), origin, seed, threads)


def _conformal(origin: Origin) -> ConformalIntervals:
    return ConformalIntervals(n_windows=conformal_windows(origin), h=origin.horizon)


def _forecast(model: Any, origin: Origin, seed: int, threads: int) -> Answer:
    has_sold, rows = past_rows(origin.past)
    if not has_sold.any():
        return answer(has_sold, rows, origin)
    np.random.seed(seed)  # some bands are simulated by NumPy's global generator
    library = StatsForecast([model], freq=1, n_jobs=threads, fallback_model=Naive(MODEL))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of series too short for the model
        found = library.forecast(df=rows, h=origin.horizon, level=list(BANDS))
    return answer(has_sold, found, origin)
