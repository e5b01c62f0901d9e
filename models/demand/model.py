"""Demand per series and period, as a distribution: several methods, combined as they did in a backtest.

Trees over all series, window means, regressions and statistical methods forecast the last horizons as if these were the
future. Each class of demand gets the combination that forecast it best, and bands from the errors of the backtest. The
forecast fails where the future differs from all of the past: a first Christmas, a series not sold yet, or a shock that
no covariate shows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from contracts.errors import InputError, NotEnoughData
from models.demand.backtest import BacktestRows, backtest_rows
from models.demand.classification import ALL_ZERO, CLASSES, NEW, demand_class
from models.demand.ensemble import ForecastCombination
from models.demand.evaluation import Metrics, evaluate_by_class
from models.demand.features.rows import Rows, build_rows, forecast_rows, sample_training_rows
from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.intervals.conformal import ConformalCalibration, calibrate
from models.demand.intervals.cumulative_demand import CumulativeDemand
from models.demand.intervals.quantile_forest import QuantileForest, fit_quantile_forest, uncertainty_features
from models.demand.methods.boosting import (
    Boosting,
    BoostingParameters,
    best_rounds,
    fit_boosting,
    learners_for,
    round_losses,
)
from models.demand.methods.regression import regression_forecasts
from models.demand.methods.statistical import StatisticalEnsemble
from models.demand.metrics import rmsse_scale
from models.demand.panel import CategoricalCovariates, Panel, PreparedPanel
from models.protocol import FitContext

MIN_TRAINING_ROWS: Final = 30
WINDOW_MEANS: Final = ("windows", "short_window", "long_window")


@dataclass(frozen=True)
class DemandParameters:
    """How demand is forecast; the same settings serve any frequency and any store.

    Raises InputError for a horizon below 1.
    """

    horizon: int = 28
    boosting: BoostingParameters = field(default_factory=BoostingParameters)

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise InputError(f"horizon is {self.horizon}; give 1 period or more.")


class Explanation(NamedTuple):
    """Which methods forecast each series, and why, (series,) text each."""

    method: np.ndarray
    reason: np.ndarray


@dataclass(frozen=True)
class DemandModel:
    """A fitted model.

    `past` are the backtest's rows with the means that were forecast; `metrics` those of its quantiles by class, out of
    fold except for the combination's weights and the calibration.
    """

    parameters: DemandParameters
    covariates: CategoricalCovariates
    boosting: Boosting
    combination: ForecastCombination
    statistical: StatisticalEnsemble
    forest: QuantileForest
    calibration: ConformalCalibration
    cumulative: CumulativeDemand
    past: BacktestRows
    metrics: Mapping[str, Metrics]
    threads: int = 1

    @classmethod
    def fit(cls, panel: Panel, parameters: DemandParameters, context: FitContext) -> "DemandModel":
        """Learn from the whole panel; weights and bands are learned on its last horizons.

        Raises NotEnoughData for a panel with too short a past.
        """
        seed, threads, report = context.seed, context.threads, context.progress
        _check_enough(panel, parameters.horizon)
        # Prepare.
        covariates = CategoricalCovariates.fit(panel)
        prepared = covariates.prepare(panel, parameters.horizon)
        # Features.
        report("demand: features of the past")
        past = backtest_rows(prepared, seed)
        training, test = _training_and_test_rows(prepared, past, parameters.boosting.max_rows, seed)
        # Methods.
        report("demand: backtest")
        trees = _TreeFit(prepared, training, parameters.boosting, context)
        forecasts, rounds = _backtest(trees, test, past)
        # Combine.
        report("demand: combination and bands")
        scale = rmsse_scale(panel.units)[past.series]
        scale = np.where(np.isfinite(scale), scale, np.square(test.demand_size))
        combination = ForecastCombination.fit(forecasts, past.units, scale, past.code, past.series)
        mean, median = combination.combine(forecasts, past.code)
        past = replace(past, mean=mean)
        # Intervals.
        features = uncertainty_features(test, mean, median, forecasts)
        everything = np.column_stack([features, test.features])
        forest, quantiles, zeros = fit_quantile_forest(everything, mean, past.units, past.window, seed, threads)
        calibration = calibrate(quantiles, median, zeros, past.units, past.code)
        cumulative = CumulativeDemand.fit(past, mean, test.demand_size, features, parameters.horizon, context)
        calibrated = calibration.apply(quantiles, median, zeros, test.demand_size, past.code)
        earlier = [
            covariates.prepare(panel.before(int(origin)), parameters.horizon) for origin in np.unique(past.origin)
        ]
        statistical = StatisticalEnsemble.fit(earlier, past, threads)
        report("demand: fit on the whole past")
        return cls(
            parameters=parameters,
            covariates=covariates,
            boosting=trees.before(panel.periods, rounds),
            combination=combination,
            statistical=statistical,
            forest=forest,
            calibration=calibration,
            cumulative=cumulative,
            past=past,
            metrics=evaluate_by_class(past.units, calibrated, past.code),
            threads=threads,
        )

    def predict(self, panel: Panel) -> DemandForecast:
        """The forecast for the periods after `panel`. Raises InputError where a covariate ends before the horizon."""
        return self.predict_and_explain(panel)[0]

    def predict_and_explain(self, panel: Panel) -> tuple[DemandForecast, Explanation]:
        """The forecast, and which methods made it. Raises InputError where a covariate ends before the horizon."""
        horizon, shape = self.parameters.horizon, (panel.series, self.parameters.horizon)
        panel.check_ahead(horizon)
        # Prepare.
        prepared = self.covariates.prepare(panel, horizon)
        code = demand_class(panel, prepared.usable)
        known_code = np.where(code == ALL_ZERO, NEW, code)
        sells = ~prepared.closed[:, panel.periods :] & ~_never_sells(prepared, code)[:, None]
        # Features.
        rows = build_rows(prepared, *forecast_rows(prepared, np.array([panel.periods]), np.arange(panel.series)))
        # Methods, and their combination.
        forecasts = base_forecasts(prepared, rows, self.boosting)
        mean, median = self.combination.combine(forecasts, known_code[rows.series])
        features = uncertainty_features(rows, mean, median, forecasts)
        mean, median = np.where(sells.ravel(), mean, 0), np.where(sells.ravel(), median, 0)
        # Intervals.
        quantiles, zeros = self.forest.predict(np.column_stack([features, rows.features]), mean)
        quantiles = self.calibration.apply(quantiles, median, zeros, rows.demand_size, code[rows.series])
        mean, size = mean.reshape(shape), rows.demand_size.reshape(shape)[:, 0]
        cumulative = self.cumulative.predict(mean, size, features.reshape(*shape, -1), known_code)
        # Statistical methods move the mean only: the bands were learned around the other methods' means.
        with_statistical = self.statistical.add_to(mean, prepared, code, self.threads)
        forecast = DemandForecast(
            mean=np.where(sells, with_statistical, 0),
            quantiles=np.where(sells[..., None], quantiles.reshape(*shape, len(QUANTILE_LEVELS)), 0),
            cumulative=cumulative,
        )
        return forecast, self._explain(code)

    def _explain(self, code: np.ndarray) -> Explanation:
        pairs = zip(self.combination.main_methods, self.statistical.methods, strict=True)
        methods = [f"{main} + {statistical}" if statistical else main for main, statistical in pairs]
        methods[ALL_ZERO] = "none"
        return Explanation(np.array(methods)[code], np.array([_reason(name, self.metrics) for name in CLASSES])[code])


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


def _never_sells(prepared: PreparedPanel, code: np.ndarray) -> np.ndarray:
    """Series without a sale in enough observed periods; with fewer, a series borrows from series like it."""
    panel = prepared.panel
    observed = (panel.is_observed & ~prepared.closed[:, : panel.periods]).sum(axis=1)
    return (code == ALL_ZERO) & (observed >= panel.frequency.new_periods)


def _reason(name: str, metrics: Mapping[str, Metrics]) -> str:
    if name == CLASSES[ALL_ZERO]:
        return "never sold"
    if name in metrics:
        return f"{name}: what served its class best in the backtest"
    return f"{name}: none of its class was in the backtest; what served all series best"
