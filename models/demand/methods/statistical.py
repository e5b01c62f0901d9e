"""Statistical methods of statsforecast beside the trees, for the classes of demand where the backtest shows a gain.

They forecast one series at a time, on units whose effects (position in the cycle, covariates) are divided out and
multiplied back on each step, so that known-future covariates reach these methods too. A method has a share in the mean
only. It is tried on a sample of the series, so the errors of forecasts with it are not known. A band moved by it held
five percentage points less than it should.
"""

import warnings
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from models.demand.classification import CLASSES
from models.demand.features.smoothing import Smoothing
from models.demand.metrics import rmsse_scale
from models.demand.panel import PreparedPanel

if TYPE_CHECKING:
    from models.demand.backtest import BacktestRows

MAX_PERIODS: Final = 400  # of the past: more takes time and does not improve the level
MIN_PERIODS: Final = 10
SAMPLE: Final = 70  # series of each class that are tried, in each window of the backtest
MIN_SERIES: Final = 20  # in each window
SHARES: Final = (0.15, 0.3, 0.5)
MIN_GAIN: Final = 0.01  # of the loss: less is not worth fitting every series
MIN_GAIN_ERRORS: Final = 2.0  # standard errors of the gain over series: the best of many may be best by chance
_SMOOTHING: Final = 0.1
_TINY: Final = 1e-9
_Gains = dict[tuple[str, float], np.ndarray]  # by method and share, each series' gain over the mean loss without it


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


@dataclass(frozen=True)
class StatisticalTrial:
    """One window of the backtest, of a sample of each class's series: `forecasts` (methods, series, steps).

    `series` (series,) is sorted; `scale` (series,) are the mean squared steps before the window.
    """

    methods: tuple[str, ...]
    series: np.ndarray
    forecasts: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True)
class StatisticalEnsemble:
    """By class: which method, None for none, and its share of the mean."""

    methods: tuple[str | None, ...]
    shares: tuple[float, ...]

    @classmethod
    def fit(
        cls, trials: Sequence[StatisticalTrial], past: "BacktestRows", parts: Collection[str]
    ) -> "StatisticalEnsemble":
        """Choose for each class among the methods that are `parts`; `past.mean` is what the other methods expect."""
        methods: list[str | None] = []
        shares: list[float] = []
        for number in range(len(CLASSES)):
            tried = [_gains(trial, past, window, number, parts) for window, trial in enumerate(trials)]
            method, share = _best(tried) if min((len(gains) for gains in tried), default=0) else (None, 0.0)
            methods.append(method)
            shares.append(share)
        return cls(tuple(methods), tuple(shares))

    def add_to(self, mean: np.ndarray, prepared: PreparedPanel, code: np.ndarray, threads: int) -> np.ndarray:
        """The mean (series, steps) with the method's share in it; `code` (series,) are classes."""
        found = mean.copy()
        for number, (method, share) in enumerate(zip(self.methods, self.shares, strict=True)):
            series = np.flatnonzero(code == number)
            if method is None or not len(series):
                continue
            forecast = statistical_forecasts(prepared, (method,), series, threads)[0]
            found[series] = (1 - share) * mean[series] + share * forecast
        return found


def statistical_forecasts(
    prepared: PreparedPanel, methods: tuple[str, ...], series: np.ndarray, threads: int
) -> np.ndarray:
    """(methods, chosen series, horizon) from the end of the panel on."""
    panel, horizon = prepared.panel, prepared.horizon
    smoothing = Smoothing(prepared)
    for period in range(panel.periods):
        smoothing.update(period)
    begin = max(panel.periods - MAX_PERIODS, 0)
    past = np.arange(begin, panel.periods)
    ahead = np.arange(panel.periods, panel.periods + horizon)
    level = smoothing.level(smoothing.levels(series), smoothing.demand_size(series))
    fallback = dict(zip(series.tolist(), level, strict=True))

    def forecast(chosen: int) -> np.ndarray:
        usable = past[prepared.usable[chosen, past]]
        row = np.full(len(usable), chosen)
        adjusted = panel.units[chosen, usable] / smoothing.effects(row, usable)[1]
        found = np.stack([_one(method, adjusted, horizon, float(fallback[chosen])) for method in methods])
        return found * smoothing.effects(np.full(horizon, chosen), ahead)[1]

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


def try_statistical(
    prepared: PreparedPanel, past: "BacktestRows", window: int, methods: tuple[str, ...], threads: int
) -> StatisticalTrial:
    """Forecast a sample of each class by each method; `prepared` is the panel up to the window's origin."""
    inside = past.window == window
    parts = [np.zeros(0, dtype=np.int64)]
    for number in range(len(CLASSES)):
        series = np.unique(past.series[inside & (past.code == number)])
        parts.append(series[:: max(-(-len(series) // SAMPLE), 1)])
    chosen = np.unique(np.concatenate(parts))
    forecasts = statistical_forecasts(prepared, methods, chosen, threads)
    return StatisticalTrial(methods, chosen, forecasts, rmsse_scale(prepared.panel.units[chosen]))


def _gains(trial: StatisticalTrial, past: "BacktestRows", window: int, number: int, parts: Collection[str]) -> _Gains:
    """What each method in each share gains in a window over each series' loss without it; empty for few series."""
    rows = np.flatnonzero((past.window == window) & (past.code == number) & np.isin(past.series, trial.series))
    series = np.unique(past.series[rows])
    if len(series) < MIN_SERIES:
        return {}
    index, step = np.searchsorted(series, past.series[rows]), past.target[rows] - past.origin[rows]
    place = np.searchsorted(trial.series, past.series[rows])
    units, mean = past.units[rows], past.mean[rows]
    # Scales of the past: scales of the window would favour series that sold little in it, and so low forecasts.
    weight = np.where(np.isfinite(trial.scale), 1 / np.maximum(trial.scale, _TINY), 0)[place]
    without = _losses(units, mean, weight, index)
    mean_loss = max(float(without.mean()), _TINY)
    return {
        (name, share): (without - _losses(units, (1 - share) * mean + share * forecast, weight, index)) / mean_loss
        for name, forecast in zip(trial.methods, trial.forecasts[:, place, step], strict=True)
        if name in parts
        for share in SHARES
    }


def _best(tried: Sequence[_Gains]) -> tuple[str | None, float]:
    """The method and share with the largest mean gain, if it gains in each window and significantly; else None."""
    best = max(tried[0], key=lambda key: float(np.mean([gains[key].mean() for gains in tried])))
    gain = np.concatenate([gains[best] for gains in tried])
    in_each = min(float(gains[best].mean()) for gains in tried) > 0
    needed = max(MIN_GAIN, MIN_GAIN_ERRORS * float(gain.std()) / len(gain) ** 0.5)
    return best if in_each and float(gain.mean()) > needed else (None, 0.0)


def _losses(units: np.ndarray, forecast: np.ndarray, weight: np.ndarray, series: np.ndarray) -> np.ndarray:
    """Each series' root mean squared error over its own scale, (series,)."""
    squares = np.bincount(series, np.square(units - forecast) * weight) / np.maximum(np.bincount(series), 1)
    return np.sqrt(squares)
