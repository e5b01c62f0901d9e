"""Methods of a well-kept library (statsforecast), one series at a time, on units with their effects taken out.

Effects (the place in the cycle, covariates) are put back on each step of the horizon, so that what is known of the
future reaches these methods too.
"""

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from models.demand.features.smoothing import Walk
from models.demand.prepared_panel import Cells

MAX_PERIODS: Final = 400  # of the past: more costs time and tells nothing of the level
MIN_PERIODS: Final = 10
_SMOOTHING: Final = 0.1


def _auto_ets() -> Any:
    from statsforecast.models import AutoETS

    return AutoETS(season_length=1)


def _auto_theta() -> Any:
    from statsforecast.models import AutoTheta

    return AutoTheta(season_length=1)


def _croston_sba() -> Any:
    from statsforecast.models import CrostonSBA

    return CrostonSBA()


def _tsb() -> Any:
    from statsforecast.models import TSB

    return TSB(alpha_d=_SMOOTHING, alpha_p=_SMOOTHING)


METHODS: Final[dict[str, Callable[[], Any]]] = {
    "auto_ets": _auto_ets,
    "auto_theta": _auto_theta,
    "croston_sba": _croston_sba,
    "tsb": _tsb,
}


def library_forecasts(cells: Cells, methods: tuple[str, ...], series: np.ndarray, threads: int) -> np.ndarray:
    """(methods, chosen series, horizon) from the end of the cells' panel on."""
    panel, horizon = cells.panel, cells.horizon
    state = Walk(cells)
    for period in range(panel.periods):
        state.learn(period)
    begin = max(panel.periods - MAX_PERIODS, 0)
    past = np.arange(begin, panel.periods)
    ahead = np.arange(panel.periods, panel.periods + horizon)
    fallback = dict(zip(series.tolist(), state.level(state.levels(series), state.sale(series)), strict=True))

    def forecast(chosen: int) -> np.ndarray:
        counted = past[cells.counts[chosen, past]]
        row = np.full(len(counted), chosen)
        adjusted = panel.units[chosen, counted] / state.effects(row, counted)[1]
        found = np.stack([_one(method, adjusted, horizon, float(fallback[chosen])) for method in methods])
        with_effects: np.ndarray = found * state.effects(np.full(horizon, chosen), ahead)[1]
        return with_effects

    with warnings.catch_warnings(), ThreadPoolExecutor(threads) as pool:
        warnings.simplefilter("ignore")  # of short or constant series
        found = list(pool.map(forecast, series.tolist()))
    return np.stack(found, axis=1) if found else np.zeros((len(methods), 0, horizon))


def _one(method: str, adjusted: np.ndarray, horizon: int, fallback: float) -> np.ndarray:
    """One method on one series; the series' level where the method cannot be fitted."""
    if len(adjusted) < MIN_PERIODS or not adjusted.any():
        return np.full(horizon, fallback)
    try:
        found = np.asarray(METHODS[method]().forecast(y=adjusted.astype(np.float64), h=horizon)["mean"], np.float64)
    except (ValueError, ArithmeticError, IndexError, NotImplementedError, np.linalg.LinAlgError):
        return np.full(horizon, fallback)
    highest = 3 * max(float(adjusted.max()), fallback)
    return np.clip(np.where(np.isfinite(found), found, fallback), 0, highest)
