"""Demand per series and period, as a distribution: several methods, combined as they did in a backtest.

Trees over all series, window means, regressions and statistical methods forecast the last horizons as if these were the
future. Each class of demand gets the combination that forecast it best, and bands from the errors of the backtest. The
forecast fails where the future differs from all of the past: a first Christmas, a series not sold yet, or a shock that
no covariate shows.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np

from contracts.errors import InputError
from models.demand.backtest import WINDOW_MEANS, BacktestRows, MethodBacktest, base_forecasts
from models.demand.classification import ALL_ZERO, CLASSES, NEW, demand_class
from models.demand.ensemble import CLASS_WEIGHTS, MEDIAN_WEIGHTS, TREND_WEIGHTS, ForecastCombination
from models.demand.evaluation import Metrics, evaluate_by_class
from models.demand.features.rows import build_rows, forecast_rows
from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.intervals.conformal import CONFORMAL, RECENTRING, ZERO_RULE, ConformalCalibration, calibrate
from models.demand.intervals.cumulative_demand import CumulativeDemand
from models.demand.intervals.quantile_forest import QuantileForest, fit_quantile_forest, uncertainty_features
from models.demand.methods.boosting import LEARNERS, Boosting, BoostingParameters
from models.demand.methods.regression import REGRESSIONS
from models.demand.methods.statistical import METHODS as STATISTICAL_METHODS
from models.demand.methods.statistical import StatisticalEnsemble
from models.demand.panel import CategoricalCovariates, Panel, PreparedPanel
from models.protocol import FitContext

ROW_FEATURES: Final = "row_features"  # the quantile forest sees the features of the trees
CUMULATIVE: Final = "cumulative_forest"  # sums over a lead time have a quantile forest of their own
METHODS: Final = (*(learner.name for learner in LEARNERS), *WINDOW_MEANS, *REGRESSIONS)
WEIGHTS: Final = (CLASS_WEIGHTS, TREND_WEIGHTS, MEDIAN_WEIGHTS)
BANDS: Final = (ROW_FEATURES, CONFORMAL, RECENTRING, ZERO_RULE, CUMULATIVE)
PARTS: Final = (*METHODS, *STATISTICAL_METHODS, *WEIGHTS, *BANDS)


@dataclass(frozen=True)
class DemandParameters:
    """How demand is forecast; the same settings serve any frequency and any store.

    Raises InputError for a horizon below 1.
    """

    horizon: int = 28
    boosting: BoostingParameters = field(default_factory=BoostingParameters)
    parts: frozenset[str] = frozenset(PARTS)  # of the engine

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise InputError(f"horizon is {self.horizon}; give 1 period or more.")
        if unknown := sorted(self.parts - set(PARTS)):
            raise InputError(f"parts names {', '.join(unknown)}; there are {', '.join(PARTS)}.")
        if not self.parts.intersection(METHODS):
            raise InputError(f"parts names no method; name one or more of {', '.join(METHODS)}.")

    def among(self, names: Collection[str]) -> tuple[str, ...]:
        """Those of the names that are parts."""
        return tuple(name for name in names if name in self.parts)


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
    cumulative: CumulativeDemand | None
    past: BacktestRows
    metrics: Mapping[str, Metrics]
    threads: int = 1

    @classmethod
    def fit(cls, panel: Panel, parameters: DemandParameters, context: FitContext) -> "DemandModel":
        """Learn from the whole panel; weights and bands are learned on its last horizons.

        Raises NotEnoughData for a panel with too short a past.
        """
        backtest = MethodBacktest.fit(
            panel, parameters.horizon, parameters.boosting, parameters.among(STATISTICAL_METHODS), context
        )
        return cls.from_backtest(backtest, parameters, context)

    @classmethod
    def from_backtest(
        cls, backtest: MethodBacktest, parameters: DemandParameters, context: FitContext
    ) -> "DemandModel":
        """Weights and bands, by those parts of the engine that `parameters` name."""
        seed, threads, parts = context.seed, context.threads, parameters.parts
        past, rows = backtest.past, backtest.features
        forecasts = {name: values for name, values in backtest.forecasts.items() if name in parts}
        # Combine.
        context.progress("demand: combination and bands")
        combination = ForecastCombination.fit(forecasts, past.units, backtest.scale, past.code, past.series, parts)
        mean, median = combination.combine(forecasts, past.code)
        past = replace(past, mean=mean)
        # Intervals.
        features = uncertainty_features(rows, mean, median, forecasts)
        everything = np.column_stack([features, rows.features]) if ROW_FEATURES in parts else features
        forest, quantiles, zeros = fit_quantile_forest(everything, mean, past.units, past.window, seed, threads)
        calibration = calibrate(quantiles, median, zeros, past.units, past.code, parts)
        cumulative = None
        if CUMULATIVE in parts:
            cumulative = CumulativeDemand.fit(past, mean, rows.demand_size, features, parameters.horizon, context)
        calibrated = calibration.apply(quantiles, median, zeros, rows.demand_size, past.code)
        return cls(
            parameters=parameters,
            covariates=backtest.covariates,
            boosting=backtest.boosting,
            combination=combination,
            statistical=StatisticalEnsemble.fit(backtest.trials, past, parts),
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
        parts = self.parameters.parts
        forecasts = base_forecasts(prepared, rows, self.boosting)
        forecasts = {name: values for name, values in forecasts.items() if name in parts}
        mean, median = self.combination.combine(forecasts, known_code[rows.series])
        features = uncertainty_features(rows, mean, median, forecasts)
        mean, median = np.where(sells.ravel(), mean, 0), np.where(sells.ravel(), median, 0)
        # Intervals.
        everything = np.column_stack([features, rows.features]) if ROW_FEATURES in parts else features
        quantiles, zeros = self.forest.predict(everything, mean)
        quantiles = self.calibration.apply(quantiles, median, zeros, rows.demand_size, code[rows.series])
        mean, size = mean.reshape(shape), rows.demand_size.reshape(shape)[:, 0]
        cumulative = None
        if self.cumulative is not None:
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
