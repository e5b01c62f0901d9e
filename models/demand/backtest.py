"""The backtest: the last horizons, forecast by every method as it was fitted on what came before them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls

from contracts.errors import NotEnoughData
from models.demand.boosting import Boosting, BoostingParameters, best_rounds, fit_boosting, learners_for, round_losses
from models.demand.panel import CategoricalCovariates, Panel, PreparedPanel, demand_class
from models.demand.regression import REGRESSION, regression_forecast
from models.demand.rows import Rows, build_rows, sample_series, sample_training_rows
from models.protocol import FitContext

WINDOWS: Final = 3
MIN_TRAINING_HORIZONS: Final = 3  # horizons that are left for training before the first window
MAX_ROWS: Final = 250_000
MIN_TRAINING_ROWS: Final = 30
SHRINKAGE: Final = 0.1  # towards equal weights, in units of how far the methods differ
_TINY: Final = 1e-9


@dataclass(frozen=True)
class BacktestRows:
    """Every usable step of the last windows, of every series that sold before.

    Arrays (rows,): `window` is 0 for the earliest; `code` the class at the origin; `mean` the forecast, 0 before there
    is one.
    """

    series: np.ndarray
    origin: np.ndarray
    target: np.ndarray
    window: np.ndarray
    code: np.ndarray
    units: np.ndarray
    mean: np.ndarray

    def __len__(self) -> int:
        return len(self.series)


def backtest_origins(periods: int, horizon: int) -> np.ndarray:
    """The origins of the last 1 to WINDOWS whole horizons, the earliest first."""
    windows = int(np.clip(periods // horizon - MIN_TRAINING_HORIZONS, 1, WINDOWS))
    return periods - horizon * np.arange(windows, 0, -1)


def backtest_rows(prepared: PreparedPanel, seed: int) -> BacktestRows:
    """The rows of the backtest; a sample of very many series, always the same for the same panel."""
    panel, horizon = prepared.panel, prepared.horizon
    origins = backtest_origins(panel.periods, horizon)
    series = sample_series(panel.series, MAX_ROWS / (horizon * len(origins)), seed)
    parts = []
    for window, origin in enumerate(origins):
        code = demand_class(panel.before(int(origin)), prepared.usable[:, :origin])
        begun = series[prepared.first[series] < origin]
        chosen, step = np.nonzero(prepared.usable[begun, origin : origin + horizon])
        row, target = begun[chosen], origin + step
        same = (np.full(len(row), origin), target, np.full(len(row), window))
        parts.append((row, *same, code[row], panel.units[row, target].astype(np.float64), np.zeros(len(row))))
    return BacktestRows(*(np.concatenate(column) for column in zip(*parts, strict=True)))


@dataclass(frozen=True)
class MethodBacktest:
    """Every method's forecasts of the backtest's rows, and the trees, fitted on the whole past.

    `features` are those of `past`.
    """

    covariates: CategoricalCovariates
    past: BacktestRows
    features: Rows
    forecasts: Mapping[str, np.ndarray]
    boosting: Boosting

    @classmethod
    def fit(cls, panel: Panel, horizon: int, boosting: BoostingParameters, context: FitContext) -> "MethodBacktest":
        """Run the backtest. Raises NotEnoughData for too short a past."""
        _check_enough(panel, horizon)
        covariates = CategoricalCovariates.fit(panel)
        prepared = covariates.prepare(panel, horizon)
        context.progress("demand: features of the past")
        past = backtest_rows(prepared, context.seed)
        training, features = _training_and_test_rows(prepared, past, boosting.max_rows, context.seed)
        context.progress("demand: backtest")
        trees = _TreeFit(prepared, training, boosting, context)
        forecasts, rounds = _backtest(trees, features, past)
        return cls(covariates, past, features, forecasts, trees.before(panel.periods, rounds))


@dataclass(frozen=True)
class Combination:
    """How much each method counts in the mean, (methods,): weights >= 0 with sum 1, as stacking on the backtest chose.

    They are shrunk towards equal weights, since averages of methods usually win.
    """

    methods: tuple[str, ...]
    weights: np.ndarray

    @classmethod
    def fit(cls, backtest: MethodBacktest, parts: Collection[str]) -> "Combination":
        """The weights that minimise squared errors over each series' demand size, of the methods among `parts`.

        The demand size is never nearly 0. The mean squared step can be, for a series of few points, and one such series
        would outweigh all others.
        """
        methods = tuple(name for name in backtest.forecasts if name in parts)
        size = np.maximum(backtest.features.demand_size, _TINY)
        scaled = np.column_stack([backtest.forecasts[name] for name in methods]) / size[:, None]
        return cls(methods, stacking_weights(scaled, backtest.past.units / size))

    def mean(self, forecasts: Mapping[str, np.ndarray]) -> np.ndarray:
        """The combined mean of each row, (rows,)."""
        found: np.ndarray = np.column_stack([forecasts[name] for name in self.methods]) @ self.weights
        return found


def stacking_weights(forecasts: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Weights >= 0 with sum 1 of (rows, methods) that minimise squared errors; a method that adds nothing gets none.

    The sum is fixed because errors are relative to each series' size: a free sum would lower the totals.
    """
    gram, moment = forecasts.T @ forecasts, forecasts.T @ units
    methods = len(gram)
    apart = forecasts - forecasts.mean(axis=1, keepdims=True)
    penalty = SHRINKAGE * float(np.square(apart).sum()) / methods
    gram += penalty * np.eye(methods)
    moment += penalty / methods
    factor = np.linalg.cholesky(gram + _TINY * np.trace(gram) * np.eye(methods) + _TINY * np.eye(methods))
    found: np.ndarray = nnls(factor.T, np.linalg.solve(factor, moment))[0]
    total = float(found.sum())
    return found / total if total > 0 else np.full(methods, 1 / methods)


def base_forecasts(prepared: PreparedPanel, rows: Rows, boosting: Boosting) -> dict[str, np.ndarray]:
    """Units of each row by method: trees, and the regression."""
    trees = {name: boosting.predict(rows, name) for name in boosting.boosters}
    return trees | {REGRESSION: regression_forecast(prepared, rows)}


class _TreeFit:
    """Fits trees on the training rows whose targets lie before a period."""

    def __init__(
        self, prepared: PreparedPanel, rows: Rows, parameters: BoostingParameters, context: FitContext
    ) -> None:
        self.prepared = prepared
        self._rows, self._parameters, self._context = rows, parameters, context
        self._units = prepared.panel.units[rows.series, rows.target].astype(np.float64)
        self._is_dense = prepared.is_dense[rows.series]
        self._learners = learners_for(self._is_dense)

    def before(self, period: int, rounds: Mapping[str, int]) -> Boosting:
        """Where too few rows lie before the period, all are used: the backtest is then too optimistic."""
        chosen = self._rows.target < period
        if chosen.sum() < MIN_TRAINING_ROWS or not self._units[chosen].any():
            chosen = np.ones(len(chosen), dtype=bool)
        rows, units, is_dense = self._rows, self._units, self._is_dense
        if not chosen.all():
            rows, units, is_dense = rows.only(chosen), units[chosen], is_dense[chosen]
        seed, threads = self._context.seed, self._context.threads
        return fit_boosting(rows, units, is_dense, self._learners, rounds, self._parameters, seed, threads)


def _training_and_test_rows(prepared: PreparedPanel, past: BacktestRows, max_rows: int, seed: int) -> tuple[Rows, Rows]:
    """A sample of the whole past, and the backtest's rows, from one pass over the panel. Raises NotEnoughData."""
    sampled = sample_training_rows(prepared, prepared.panel.periods, max_rows, seed)
    series, _, target = sampled
    if not len(past) or not prepared.panel.units[series, target].any():
        raise NotEnoughData(
            "demand needs series that sold on more than their first day, before and within the last horizon; none did. "
            "Ingest older orders, or wait for new ones."
        )
    keys = (past.series, past.origin, past.target)
    rows = build_rows(prepared, *(np.concatenate(pair) for pair in zip(sampled, keys, strict=True)))
    return rows.only(slice(0, len(series))), rows.only(slice(len(series), None))


def _backtest(trees: _TreeFit, rows: Rows, past: BacktestRows) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Every method's forecast of the backtest's rows, each window by trees that saw only what came before it."""
    losses, fitted = [], []
    for window in np.unique(past.window):
        inside = past.window == window
        boosting = trees.before(int(past.origin[inside][0]), {})
        fitted.append((inside, rows.only(inside), boosting))
        losses.append(round_losses(boosting, fitted[-1][1], past.units[inside]))
    rounds = best_rounds(losses)
    found: dict[str, np.ndarray] = {}
    for inside, chosen, boosting in fitted:
        for name, values in base_forecasts(trees.prepared, chosen, Boosting(boosting.boosters, rounds)).items():
            found.setdefault(name, np.zeros(len(past)))[inside] = values
    return found, rounds


def _check_enough(panel: Panel, horizon: int) -> None:
    if panel.periods < 2 * horizon or not panel.units.any():
        raise NotEnoughData(
            f"demand needs {2 * horizon} {panel.frequency.name}s to learn {horizon} ahead, and sales in them; there "
            f"are {panel.periods} {panel.frequency.name}s and {int((panel.units > 0).sum())} cells with sales. Shorten "
            "the horizon, ingest older orders, or wait for new ones."
        )
