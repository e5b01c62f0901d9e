"""Demand per series and period, as a distribution: two kinds of methods, combined as they did in a backtest.

Trees over all series and a regression of each series forecast the last horizons as if these were the future. The mean
is their combination; the quantiles come from the errors of the backtest. The forecast fails where the future differs
from all of the past: a first Christmas, a series not sold yet, or a shock that no covariate shows.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from contracts.errors import InputError
from models.demand.backtest import BacktestRows, Combination, MethodBacktest, base_forecasts
from models.demand.boosting import LEARNERS, TREES, Boosting, BoostingParameters
from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.intervals import CumulativeDemand, QuantileForest, fit_quantile_forest, uncertainty_features
from models.demand.panel import ALL_ZERO, CategoricalCovariates, Panel, PreparedPanel, demand_class
from models.demand.regression import REGRESSION
from models.demand.rows import build_rows, forecast_rows
from models.protocol import FitContext

METHODS: Final = (*(learner.name for learner in LEARNERS), REGRESSION)
ROW_FEATURES: Final = "row_features"  # the quantile forest sees the features of the trees
CUMULATIVE: Final = "cumulative_forest"  # sums over a lead time have a quantile forest of their own
PARTS: Final = (*METHODS, ROW_FEATURES, CUMULATIVE)
NAMED_SHARE: Final = 0.2  # a method with less weight is not named


@dataclass(frozen=True)
class DemandParameters:
    """How demand is forecast; the same settings serve any frequency and any store.

    Raises InputError for a horizon below 1, and for `parts` that do not exist or hold no method.
    """

    horizon: int = 28
    boosting: BoostingParameters = field(default_factory=BoostingParameters)
    parts: frozenset[str] = frozenset(PARTS)  # of the engine; benchmarks.demand --without measures each

    def __post_init__(self) -> None:
        if self.horizon < 1:
            raise InputError(f"horizon is {self.horizon}; give 1 period or more.")
        if unknown := sorted(self.parts - set(PARTS)):
            raise InputError(f"parts names {', '.join(unknown)}; there are {', '.join(PARTS)}.")
        if not self.parts.intersection(METHODS):
            raise InputError(f"parts names no method; name one or more of {', '.join(METHODS)}.")


@dataclass(frozen=True)
class DemandModel:
    """A fitted model. `past` are the backtest's rows with the means that were forecast."""

    parameters: DemandParameters
    covariates: CategoricalCovariates
    boosting: Boosting
    combination: Combination
    forest: QuantileForest
    cumulative: CumulativeDemand | None
    past: BacktestRows

    @classmethod
    def fit(cls, panel: Panel, parameters: DemandParameters, context: FitContext) -> "DemandModel":
        """Learn from the whole panel; weights and bands are learned on its last horizons.

        Raises NotEnoughData for a panel with too short a past.
        """
        backtest = MethodBacktest.fit(panel, parameters.horizon, parameters.boosting, context)
        return cls.from_backtest(backtest, parameters, context)

    @classmethod
    def from_backtest(
        cls, backtest: MethodBacktest, parameters: DemandParameters, context: FitContext
    ) -> "DemandModel":
        """Weights and bands, by those parts of the engine that `parameters` name."""
        context.progress("demand: combination and bands")
        rows, parts = backtest.features, parameters.parts
        combination = Combination.fit(backtest, parts)
        mean = combination.mean(backtest.forecasts)
        past = replace(backtest.past, mean=mean)
        features = uncertainty_features(rows, mean, [backtest.forecasts[name] for name in combination.methods])
        everything = np.column_stack([features, rows.features]) if ROW_FEATURES in parts else features
        # Where all series nearly always sell, all methods minimise absolute errors or those of logarithms.
        is_median = TREES not in backtest.boosting.boosters
        forest = fit_quantile_forest(everything, mean, past.units, past.window, context, is_median)
        cumulative = None
        if CUMULATIVE in parts:
            cumulative = CumulativeDemand.fit(past, rows.demand_size, features, parameters.horizon, context)
        return cls(parameters, backtest.covariates, backtest.boosting, combination, forest, cumulative, past)

    def predict(self, panel: Panel) -> DemandForecast:
        """The forecast for the periods after `panel`. Raises InputError where a covariate ends before the horizon."""
        horizon, parts = self.parameters.horizon, self.parameters.parts
        shape = (panel.series, horizon)
        panel.check_ahead(horizon)
        prepared = self.covariates.prepare(panel, horizon)
        rows = build_rows(prepared, *forecast_rows(prepared, np.array([panel.periods]), np.arange(panel.series)))
        forecasts = base_forecasts(prepared, rows, self.boosting)
        mean = self.combination.mean(forecasts)
        features = uncertainty_features(rows, mean, [forecasts[name] for name in self.combination.methods])
        sells = ~prepared.closed[:, panel.periods :] & ~_never_sells(prepared)[:, None]
        mean = np.where(sells.ravel(), mean, 0)
        everything = np.column_stack([features, rows.features]) if ROW_FEATURES in parts else features
        quantiles = self.forest.predict(everything, mean).reshape(*shape, len(QUANTILE_LEVELS))
        mean, size = mean.reshape(shape), rows.demand_size.reshape(shape)[:, 0]
        cumulative = None
        if self.cumulative is not None:
            cumulative = self.cumulative.predict(mean, size, features.reshape(*shape, -1))
        return DemandForecast(mean, quantiles, cumulative, panel.is_count)

    def method(self, panel: Panel) -> np.ndarray:
        """Which methods forecast each series, (series,) text; "none" where the series never sells."""
        pairs = sorted(zip(-self.combination.weights, self.combination.methods, strict=True))
        named = " + ".join(name for weight, name in pairs if -weight >= NAMED_SHARE)
        return np.where(_never_sells(self.covariates.prepare(panel, self.parameters.horizon)), "none", named)


def _never_sells(prepared: PreparedPanel) -> np.ndarray:
    """Series without a sale in enough observed periods; with fewer, a series borrows from series like it."""
    panel = prepared.panel
    observed = (panel.is_observed & ~prepared.closed[:, : panel.periods]).sum(axis=1)
    return (demand_class(panel, prepared.usable) == ALL_ZERO) & (observed >= panel.frequency.new_periods)
