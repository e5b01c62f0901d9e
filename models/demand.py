"""Demand per item and day: one gradient-boosted model for all items, direct for every step of the horizon.

Four LightGBM models share their rows: a Tweedie mean and three quantiles. What they predict is divided by the item's
own level, so that small and large items teach each other. It breaks where the future differs from all of the past: a
first Christmas, an item not sold yet, days without stock that look like days without demand.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from contracts.errors import NotEnoughData
from models.demand_calibration import DemandCalibration, calibrate
from models.demand_forecast import QUANTILES, DemandForecast
from models.demand_history import DemandHistory, demand_class, first_sale_day, typical_sale
from models.demand_rows import FEATURES, Rows, forecast_rows, training_rows

MEAN: Final = "mean"
_OBJECTIVES: Final[dict[str, dict[str, Any]]] = {
    MEAN: {"objective": "tweedie", "tweedie_variance_power": 1.5},
    **{
        name: {"objective": "quantile", "alpha": alpha}
        for name, alpha in zip(("low", "median", "high"), QUANTILES, strict=True)
    },
}
_WEIGHT_POWER: Final = 0.25
_LIMIT_SALES: Final = 3.0


@dataclass(frozen=True)
class DemandParameters:
    """How demand is forecast."""

    horizon_days: int = 28  # at most 350: last year's days around the target must be known
    active_days: int = 365  # an item is forecast where it sold within so many days
    history_days: int = 800  # days before these are not looked at
    training_days: int = 364  # origins to learn from lie within so many days
    max_training_rows: int = 60_000
    rounds: int = 60
    learning_rate: float = 0.1
    leaves: int = 15
    min_rows_per_leaf: int = 100
    outlier_factor: float = 15.0  # a day counts at most so many times the item's median day with sales
    max_levels: float = 20.0  # a day teaches at most so many times the item's level, beyond three usual sales
    min_items: int = 5


@dataclass(frozen=True)
class DemandModel:
    """A fitted model: LightGBM models by name, the calibration, and the parameters."""

    boosters: dict[str, lgb.Booster]
    calibration: DemandCalibration
    parameters: DemandParameters

    def predict(self, history: DemandHistory) -> DemandForecast:
        """The forecast for the days after `history`, its band calibrated."""
        forecast = _predict(self.boosters, history, self.parameters)
        return self.calibration.apply(forecast, demand_class(history))

    def total_band(self, history: DemandHistory, forecast: DemandForecast) -> tuple[np.ndarray, np.ndarray]:
        """The low and the high end of each item's units over the whole horizon."""
        return self.calibration.total_band(forecast, typical_sale(history.units))


def fit_demand(history: DemandHistory, parameters: DemandParameters, seed: int, threads: int) -> DemandModel:
    """Fit on the whole history; the band is calibrated on its last horizon, by a model that saw only what came before.

    `history` holds at least two horizons, and every item has sold in it.
    """
    origin = history.days - parameters.horizon_days
    past = history.before(origin)
    is_known = first_sale_day(past.units) < origin
    past, actual = past.only(is_known), history.units[is_known, origin:]
    earlier = _predict(_fit_boosters(past, parameters, seed, threads), past, parameters)
    calibration = calibrate(earlier, actual, demand_class(past), typical_sale(past.units))
    return DemandModel(_fit_boosters(history, parameters, seed, threads), calibration, parameters)


def _fit_boosters(
    history: DemandHistory, parameters: DemandParameters, seed: int, threads: int
) -> dict[str, lgb.Booster]:
    features, target, weight = _training_arrays(history.capped(parameters.outlier_factor), parameters, seed)
    settings = _settings(parameters, len(target), seed)

    def fit(name: str) -> lgb.Booster:
        rows = lgb.Dataset(
            features,
            target,
            weight=None if name == MEAN else weight,
            feature_name=list(FEATURES),
            categorical_feature=["category"],
        )
        return lgb.train({**settings, **_OBJECTIVES[name]}, rows, parameters.rounds)

    # One model per thread: on so few rows LightGBM's own threads would mostly wait for one another.
    with ThreadPoolExecutor(threads) as pool:
        return dict(zip(_OBJECTIVES, pool.map(fit, _OBJECTIVES), strict=True))


def _training_arrays(
    history: DemandHistory, parameters: DemandParameters, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features, units over level, and weights of the quantile models, which let large items count somewhat more."""
    features, targets, weights = [], [], []
    for rows in training_rows(
        history, parameters.horizon_days, parameters.training_days, parameters.max_training_rows, seed
    ):
        limit = parameters.max_levels * rows.level + _LIMIT_SALES * rows.sale
        features.append(rows.features)
        targets.append(np.minimum(history.units[rows.item, rows.target_day], limit) / rows.level)
        weights.append(rows.level**_WEIGHT_POWER)
    if not any(target.any() for target in targets):
        raise NotEnoughData(
            "demand needs items that sold on more than their first day; none did so before the days to calibrate on. "
            "Ingest older orders, or wait for new ones."
        )
    return np.concatenate(features), np.concatenate(targets), np.concatenate(weights)


def _settings(parameters: DemandParameters, rows: int, seed: int) -> dict[str, Any]:
    return {
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": max(min(parameters.min_rows_per_leaf, rows // 20), 1),
        "feature_fraction": 0.8,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "max_bin": 127,
        "seed": seed,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }


def _predict(boosters: dict[str, lgb.Booster], history: DemandHistory, parameters: DemandParameters) -> DemandForecast:
    """The forecast as the models give it: cut at 0, the quantiles put in order."""
    blocks = forecast_rows(history.capped(parameters.outlier_factor), parameters.horizon_days)
    units = np.concatenate([_predict_block(boosters, rows) for rows in blocks])
    by_day = np.maximum(units, 0).reshape(len(history.units), parameters.horizon_days, -1)
    return DemandForecast(by_day[..., 0], np.sort(by_day[..., 1:], axis=-1))


def _predict_block(boosters: dict[str, lgb.Booster], rows: Rows) -> np.ndarray:
    return np.column_stack([np.asarray(boosters[name].predict(rows.features)) * rows.level for name in _OBJECTIVES])
