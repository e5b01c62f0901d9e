"""The backtest: the last horizons, forecast by every method as it was fitted on what came before them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.errors import NotEnoughData
from models.demand.classification import demand_class
from models.demand.features.rows import Rows, build_rows, sample_series, sample_training_rows
from models.demand.methods.boosting import (
    Boosting,
    BoostingParameters,
    best_rounds,
    fit_boosting,
    learners_for,
    round_losses,
)
from models.demand.methods.regression import regression_forecasts
from models.demand.methods.statistical import StatisticalTrial, try_statistical
from models.demand.metrics import rmsse_scale
from models.demand.panel import CategoricalCovariates, Panel, PreparedPanel
from models.protocol import FitContext

WINDOWS: Final = 3
MIN_TRAINING_HORIZONS: Final = 3  # horizons that are left for training before the first window
MAX_ROWS: Final = 250_000
MIN_TRAINING_ROWS: Final = 30
WINDOW_MEANS: Final = ("windows", "short_window", "long_window")


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

    `features` are those of `past`. `scale` (rows,) is the series' mean squared step. `trials` are those of the
    statistical methods, one for each window.
    """

    covariates: CategoricalCovariates
    past: BacktestRows
    features: Rows
    scale: np.ndarray
    forecasts: Mapping[str, np.ndarray]
    boosting: Boosting
    trials: tuple[StatisticalTrial, ...]

    @classmethod
    def fit(
        cls,
        panel: Panel,
        horizon: int,
        boosting: BoostingParameters,
        statistical: tuple[str, ...],
        context: FitContext,
    ) -> "MethodBacktest":
        """Run the backtest, also of these `statistical` methods. Raises NotEnoughData for too short a past."""
        _check_enough(panel, horizon)
        covariates = CategoricalCovariates.fit(panel)
        prepared = covariates.prepare(panel, horizon)
        context.progress("demand: features of the past")
        past = backtest_rows(prepared, context.seed)
        training, features = _training_and_test_rows(prepared, past, boosting.max_rows, context.seed)
        context.progress("demand: backtest")
        trees = _TreeFit(prepared, training, boosting, context)
        forecasts, rounds = _backtest(trees, features, past)
        scale = rmsse_scale(panel.units)[past.series]
        origins = np.unique(past.origin) if statistical else ()
        earlier = [covariates.prepare(panel.before(int(origin)), horizon) for origin in origins]
        return cls(
            covariates=covariates,
            past=past,
            features=features,
            scale=np.where(np.isfinite(scale), scale, np.square(features.demand_size)),
            forecasts=forecasts,
            boosting=trees.before(panel.periods, rounds),
            trials=tuple(
                try_statistical(each, past, window, statistical, context.threads) for window, each in enumerate(earlier)
            ),
        )


def base_forecasts(prepared: PreparedPanel, rows: Rows, boosting: Boosting) -> dict[str, np.ndarray]:
    """Units of each row by method: trees, window means, regressions."""
    trees = {name: boosting.predict(rows, name) for name in boosting.boosters}
    return trees | _window_means(rows) | regression_forecasts(prepared, rows)


def _window_means(rows: Rows) -> dict[str, np.ndarray]:
    """The series' level over short, long and mixed windows, times the effects that are known of the target."""
    levels = [index for index, name in enumerate(rows.names) if name.startswith("level_")]
    short, long = rows.features[:, levels[1]], rows.features[:, levels[-1]]
    return dict(zip(WINDOW_MEANS, (rows.base, rows.base * short, rows.base * long), strict=True))


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
