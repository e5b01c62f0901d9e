"""Gradient-boosted trees over all series at once (LightGBM), direct for every step of the horizon.

Several learners share the rows: what they predict is units over the series' own level or base, so that large and small
series teach each other. Which of them is believed, and how far, the backtest decides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from models.demand.features.rows import Rows
from models.statistics.gradient_boosting import settings

MIN_DENSE_SHARE: Final = 0.2  # of the rows; fewer are not worth a learner of their own
MIN_SPARSE_SHARE: Final = 0.05
LOG_LIMIT: Final = 3.0  # of what is predicted, e ** 3 to either side of the base
RATIO_LIMIT: Final = 20.0


@dataclass(frozen=True)
class Learner:
    """What one model minimises, on which rows, and how they weigh (the power of the level)."""

    name: str
    objective: Mapping[str, Any]
    is_log: bool = False
    weight_power: float = 0.0
    limit: float = LOG_LIMIT  # of the logarithm that it learns from


LEARNERS: Final = (
    Learner("log_squares", {"objective": "regression", "feature_fraction": 0.25}, is_log=True, limit=0.7),
    Learner("log_absolutes", {"objective": "l1"}, is_log=True),
    Learner("mean", {"objective": "tweedie", "tweedie_variance_power": 1.3}, weight_power=0.5),
    Learner("median", {"objective": "l1"}, weight_power=0.75),
)


@dataclass(frozen=True)
class BoostingParameters:
    """How the trees are grown."""

    max_rows: int = 450_000
    rounds: int = 100  # at most: the backtest may find fewer to be better
    learning_rate: float = 0.1
    leaves: int = 63
    min_rows_per_leaf: int = 60
    feature_share: float = 0.5
    row_share: float = 0.6
    ridge: float = 5.0


@dataclass(frozen=True)
class Boosting:
    """Fitted trees by learner's name, and after how many rounds each is best (the backtest's finding; 0: all)."""

    boosters: Mapping[str, lgb.Booster]
    rounds: Mapping[str, int] = field(default_factory=dict)

    def predict(self, rows: Rows, name: str, rounds: int | None = None) -> np.ndarray:
        """Units per row, at least 0, by one learner."""
        learner = next(learner for learner in LEARNERS if learner.name == name)
        raw = np.asarray(
            self.boosters[name].predict(rows.features, num_iteration=rounds or self.rounds.get(name, 0) or None)
        )
        units: np.ndarray
        if learner.is_log:
            units = np.exp(np.clip(raw, -LOG_LIMIT, LOG_LIMIT)) * rows.base
        else:
            units = np.maximum(raw, 0) * rows.level
        return units


def learners_for(is_dense: np.ndarray) -> tuple[Learner, ...]:
    """Those worth fitting, from whether each row's series is dense."""
    dense = float(is_dense.mean()) if len(is_dense) else 0.0
    return tuple(
        learner
        for learner in LEARNERS
        if (dense >= MIN_DENSE_SHARE if learner.is_log else dense <= 1 - MIN_SPARSE_SHARE)
    )


def fit_boosting(
    rows: Rows,
    units: np.ndarray,
    is_dense: np.ndarray,
    learners: tuple[Learner, ...],
    rounds: Mapping[str, int],
    parameters: BoostingParameters,
    seed: int,
    threads: int,
) -> Boosting:
    """Fit each learner on `rows`, whose targets sold `units`; `is_dense` (rows,); `rounds` by learner, else all."""
    return Boosting(
        {
            learner.name: _fit_learner(
                learner, rows, units, is_dense, rounds.get(learner.name), parameters, seed, threads
            )
            for learner in learners
        },
        rounds,
    )


def _fit_learner(
    learner: Learner,
    rows: Rows,
    units: np.ndarray,
    is_dense: np.ndarray,
    rounds: int | None,
    parameters: BoostingParameters,
    seed: int,
    threads: int,
) -> lgb.Booster:
    chosen = is_dense & (units > 0) if learner.is_log else np.ones(len(units), dtype=bool)
    own = rows if chosen.all() else rows.only(chosen)
    weight = own.level**learner.weight_power if learner.weight_power else None
    fit_settings = _settings(parameters, len(own), seed, threads) | dict(learner.objective)
    data = lgb.Dataset(
        own.features,
        _target(learner, units[chosen], own),
        weight=None if weight is None else weight / weight.mean(),
        feature_name=list(own.names),
        params=fit_settings,
    )
    return lgb.train(fit_settings, data, rounds or parameters.rounds)


def _target(learner: Learner, units: np.ndarray, rows: Rows) -> np.ndarray:
    target: np.ndarray
    if learner.is_log:
        target = np.clip(np.log(units / rows.base), -learner.limit, learner.limit)
    else:
        target = np.minimum(units / rows.level, RATIO_LIMIT)
    return target


def _settings(parameters: BoostingParameters, rows: int, seed: int, threads: int) -> dict[str, Any]:
    return settings(
        learning_rate=parameters.learning_rate,
        num_leaves=parameters.leaves,
        min_data_in_leaf=max(min(parameters.min_rows_per_leaf, rows // 50), 1),
        feature_fraction=parameters.feature_share,
        bagging_fraction=parameters.row_share,
        bagging_freq=1,
        lambda_l2=parameters.ridge,
        max_bin=127,
        seed=seed,
        threads=threads,
    )
