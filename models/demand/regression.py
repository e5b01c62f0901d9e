"""One regression per series of demand on calendar and covariates, shrunk towards the one that all series share.

A line has one number per effect and errs elsewhere than trees do, so that both together err less. Dense series with
little noise are fitted in logarithms, with outliers downweighted. The others are fitted by a quasi-Poisson regression,
which accepts zeros. The noisier a series, the more it is shrunk, as in empirical Bayes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand.panel import PreparedPanel
from models.demand.rows import LONG_BREAK, YEARS_NEEDED, Rows

SHARED_SERIES: Final = 512  # at most so many are used to fit the shared effects
BLOCK: Final = 256
LONG, RECENT = -1, 2  # indices of the frequency's windows
ROUNDS: Final = 3
EFFECT_VARIANCE: Final = 0.01  # between series, of the logarithm of an effect
TREND_VARIANCE: Final = 0.1  # of the growth per year
NOISE_LIMITS: Final = (0.01, 4.0)
SHARED_RIDGE: Final = 5.0
MIN_WEIGHT: Final = 5.0  # periods' worth; a series with less takes its base forecast
MAX_LOG_DISPERSION: Final = 0.2  # of series fitted in logarithms: beyond it a mean of logarithms is too low
LEVEL_VARIANCE: Final = 0.02  # of the logarithm of the level, between the whole past and the recent one
LOG_LIMIT: Final = 30.0
RATIO_LIMIT: Final = 5.0
OUTLIER: Final = 2.5  # standard deviations beyond which a period counts less, in logarithmic fits
LIMIT: Final = 2.5  # of the logarithm of forecast over base
REGRESSION: Final = "regression"
_TINY: Final = 1e-9
NEIGHBOURS: Final = (1, 2, 3)  # periods before and after in which a series is closed
WAVES: Final = 4  # Fourier terms of a year, where a year is not the cycle
YEAR_END: Final = (337, 344, 351, 358)  # days around which the weeks before a year's end lie
_WEEK: Final = 7.0
_YEAR_DAYS: Final = 365.25


@dataclass(frozen=True)
class _Past:
    """PreparedPanel before an origin: `columns` (series, periods, columns), `units`, and weights by age.

    `weight` decays slowly, `recent` fast. `is_log` (series,): fitted in logarithms.
    """

    columns: np.ndarray
    units: np.ndarray
    weight: np.ndarray
    recent: np.ndarray
    is_log: np.ndarray

    @property
    def mean(self) -> np.ndarray:
        """Units per period of each series, (series,)."""
        return (self.weight * self.units).sum(axis=1) / (self.weight.sum(axis=1) + _TINY)


def regression_forecast(prepared: PreparedPanel, rows: Rows) -> np.ndarray:
    """Units of each row, (rows,), fitted for each of the rows' origins on the periods before it."""
    found = rows.base.copy()
    dispersion = rows.features[:, rows.names.index("dispersion")]
    for origin in np.unique(rows.origin):
        inside = np.flatnonzero(rows.origin == origin)
        is_quiet = np.zeros(prepared.panel.series, dtype=bool)
        is_quiet[rows.series[inside]] = dispersion[inside] <= MAX_LOG_DISPERSION
        regression = _Regression(DesignMatrix(prepared, int(origin)), np.unique(rows.series[inside]), is_quiet)
        block = rows.series[inside] // BLOCK
        for number in np.unique(block):
            chosen = inside[block == number]
            wanted = rows.series[chosen], rows.target[chosen], rows.base[chosen]
            found[chosen] = regression.forecast(int(number) * BLOCK, *wanted)
    return found


class _Regression:
    """The effects that all series share before an origin, and forecasts of blocks of series."""

    def __init__(self, design: "DesignMatrix", series: np.ndarray, is_quiet: np.ndarray) -> None:
        self.design, self.is_log = design, design.prepared.is_dense & is_quiet
        series = series[:: -(-len(series) // SHARED_SERIES)]
        self.shared = _shared_effects(self._past(series, design.columns(series)))

    def forecast(self, begin: int, series: np.ndarray, target: np.ndarray, base: np.ndarray) -> np.ndarray:
        """Rows of the block of series from `begin` on; `base` where the past is too short."""
        block = np.arange(begin, min(begin + BLOCK, self.design.prepared.panel.series))
        columns = self.design.columns(block)
        past, index = self._past(block, columns), series - begin
        effects, start = _own_effects(past, self.shared)
        log, log_base = start[index] + np.einsum("rc,rc->r", columns[index, target], effects[index]), np.log(base)
        limited = np.clip(log, log_base - LIMIT, log_base + LIMIT)
        return np.where((past.weight.sum(axis=1) >= MIN_WEIGHT)[index], np.exp(limited), base)

    def _past(self, series: np.ndarray, columns: np.ndarray) -> _Past:
        prepared, origin, is_log = self.design.prepared, self.design.origin, self.is_log[series]
        windows, age = prepared.panel.frequency.windows, np.arange(origin)[::-1]
        units = prepared.panel.units[series, :origin]
        usable = prepared.usable[series, :origin] & ~(is_log[:, None] & (units <= 0))
        decays = [np.exp(-age / windows[index]).astype(np.float32) for index in (LONG, RECENT)]
        return _Past(columns[:, :origin], units, usable * decays[0], usable * decays[1], is_log)


def _shared_effects(past: _Past) -> np.ndarray:
    """The effects that all series share, (columns,)."""
    effects = np.zeros(past.columns.shape[2], dtype=np.float32)
    log = np.repeat(_log_mean(past)[:, None], past.units.shape[1], axis=1)
    for _ in range(ROUNDS):
        equations = _equations(past, log)
        ridge = SHARED_RIDGE * np.eye(len(effects))
        effects = np.linalg.solve(equations.gram.sum(axis=0) + ridge, equations.moment.sum(axis=0)).astype(np.float32)
        log = equations.start(effects)[:, None] + past.columns @ effects
    return effects


def _own_effects(past: _Past, shared: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each series' effects (series, columns), and its constant at the recent level, (series,)."""
    variance = np.full(len(shared), EFFECT_VARIANCE)
    variance[-1] = TREND_VARIANCE
    log = _log_mean(past)[:, None] + past.columns @ shared
    for _ in range(ROUNDS):
        equations = _equations(past, log)
        ridge = equations.noise[:, None, None] * np.diag(1 / variance)
        left = equations.moment - equations.gram @ shared
        effects = (shared + np.linalg.solve(equations.gram + ridge, left[..., None])[..., 0]).astype(np.float32)
        start = equations.start(effects)
        log = start[:, None] + np.einsum("stp,sp->st", past.columns, effects)
    last = _equations(past, log, past.recent)
    shift = last.total / (last.total + last.noise / LEVEL_VARIANCE) * last.residual
    return effects, start + shift


@dataclass(frozen=True)
class _Equations:
    """Weighted least squares of each series, centred: `gram` (series, columns, columns), `moment`.

    `total` weight, `noise` variance and mean `residual` of the last fit, (series,) each.
    """

    gram: np.ndarray
    moment: np.ndarray
    total: np.ndarray
    noise: np.ndarray
    residual: np.ndarray
    mean: np.ndarray
    means: np.ndarray

    def start(self, effects: np.ndarray) -> np.ndarray:
        """Each series' intercept, given its effects (columns,) or (series, columns)."""
        return self.mean - (self.means * effects).sum(axis=1)


def _equations(past: _Past, log: np.ndarray, recency: np.ndarray | None = None) -> _Equations:
    target, weight = _working(past, log, past.weight if recency is None else recency)
    total = weight.sum(axis=1) + _TINY
    residual = target - log
    noise = np.clip((weight * np.square(residual)).sum(axis=1) / total, *NOISE_LIMITS)
    mean = (weight * target).sum(axis=1) / total
    means = np.einsum("st,stp->sp", weight, past.columns) / total[:, None]
    weighted = past.columns * weight[..., None]
    gram = weighted.transpose(0, 2, 1) @ past.columns - total[:, None, None] * means[:, :, None] * means[:, None, :]
    moment = np.einsum("stp,st->sp", weighted, target - mean[:, None])
    return _Equations(gram, moment, total, noise, (weight * residual).sum(axis=1) / total, mean, means)


def _working(past: _Past, log: np.ndarray, recency: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Targets and weights of the next round: logarithms of units, else the working response of a Poisson model."""
    expected = np.exp(np.clip(log, -LOG_LIMIT, LOG_LIMIT))
    off = np.clip(past.units / expected - 1, -1, RATIO_LIMIT)
    size = expected / np.maximum(past.mean[:, None], _TINY)
    target = log + off
    weight = recency * np.clip(size, 1 / RATIO_LIMIT, RATIO_LIMIT)
    dense = past.is_log
    exact = np.log(np.maximum(past.units[dense], _TINY))
    apart = np.abs(exact - log[dense])
    counted = recency[dense]
    usual = np.sqrt((counted * np.square(np.minimum(apart, 1))).sum(axis=1) / (counted.sum(axis=1) + _TINY))
    target[dense] = np.where(counted > 0, exact, log[dense])
    weight[dense] = counted * np.minimum(1, OUTLIER * usual[:, None] / np.maximum(apart, _TINY))
    return target.astype(np.float32), weight.astype(np.float32)


def _log_mean(past: _Past) -> np.ndarray:
    return np.log(np.maximum(past.mean, _TINY)).astype(np.float32)


class DesignMatrix:
    """Columns (series, width, columns) float32 for any of a panel's series, up to the horizon of one origin.

    The last one is time, in years from the origin on.
    """

    def __init__(self, prepared: PreparedPanel, origin: int) -> None:
        self.prepared, self.origin = prepared, origin
        self.width = min(origin + prepared.horizon, prepared.width)
        dominant = prepared.dominant_codes
        self.categories = 1 if dominant is None else int(dominant.max(initial=0)) + 1
        self.sizes = {name: int(codes.max(initial=0)) + 1 for name, codes in prepared.categorical.items()}
        shared = [values[: self.width, None] for values in _year(prepared, origin)]
        if prepared.month_part is not None:
            shared.append(_indicators(prepared.month_part[: self.width]))
        time = (np.arange(self.width) - origin) / prepared.panel.frequency.year
        self.shared = np.concatenate([*shared, time[:, None]], axis=1).astype(np.float32)

    def columns(self, series: np.ndarray | slice) -> np.ndarray:
        """Of the chosen series, (chosen, width, columns)."""
        own = list(self._own(series))
        shared = np.broadcast_to(self.shared, (len(own[0]), *self.shared.shape))
        return np.concatenate([*own, shared], axis=2)

    def _own(self, series: np.ndarray | slice) -> Iterator[np.ndarray]:
        prepared = self.prepared
        closed = prepared.closed[series, : self.width]
        position = np.broadcast_to(prepared.cycle[: self.width], closed.shape)
        if prepared.dominant_codes is not None:
            position = position * self.categories + prepared.dominant_codes[series, : self.width]
        yield _indicators(position, (int(prepared.cycle.max()) + 1) * self.categories)
        for name, codes in prepared.categorical.items():
            if name == prepared.dominant:
                continue
            chosen = codes[series, : self.width]
            yield _indicators(chosen, self.sizes[name])[..., 1:]
            for shift in (1, -1):
                yield _shifted(chosen != 0, shift)[..., None].astype(np.float32)
        if prepared.closed.any():
            # Any series decides, so that every block has the same columns.
            for periods in NEIGHBOURS:
                yield _shifted(closed, periods)[..., None].astype(np.float32)
                yield _shifted(closed, -periods)[..., None].astype(np.float32)
            yield _after_break(closed, LONG_BREAK[prepared.panel.frequency.name])[..., None]


def _indicators(codes: np.ndarray, size: int | None = None) -> np.ndarray:
    return (codes[..., None] == np.arange(size or int(codes.max()) + 1)).astype(np.float32)


def _shifted(values: np.ndarray, periods: int) -> np.ndarray:
    """The values so many periods earlier (negative: later); 0 beyond the ends."""
    found = np.zeros_like(values)
    if periods > 0:
        found[:, periods:] = values[:, :-periods]
    else:
        found[:, :periods] = values[:, -periods:]
    return found


def _after_break(closed: np.ndarray, length: int) -> np.ndarray:
    """1 just after a series was closed for at least `length` periods, fading within weeks."""
    index = np.arange(closed.shape[1])
    last_open = np.maximum.accumulate(np.where(closed, -1, index), axis=1)
    is_long = closed & (index - last_open >= length)
    since = index - np.maximum.accumulate(np.where(is_long, index, -10_000), axis=1)
    return np.exp(-since / _WEEK).astype(np.float32)


def _year(prepared: PreparedPanel, origin: int) -> Iterator[np.ndarray]:
    """Fourier terms of the year and the weeks before its end, (width,) each; none for weeks, months or a short past."""
    frequency = prepared.panel.frequency
    if frequency.year == frequency.cycle or origin < YEARS_NEEDED * frequency.year:
        return
    day = prepared.calendar["day_of_year"]
    for wave in range(1, WAVES + 1):
        angle = 2 * np.pi * wave * day / _YEAR_DAYS
        yield np.sin(angle)
        yield np.cos(angle)
    for middle in YEAR_END:
        yield np.maximum(0, 1 - np.abs(day - middle) / _WEEK)
