"""Gradient-boosted trees over all series at once (LightGBM), which forecast every step of the horizon directly.

Two learners share the rows: one for series that sell nearly always, in logarithms, and one for all. They predict units
over the series' own level or base, so that large and small series learn from each other. The backtest decides after how
many rounds each stops, and how much it counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import lightgbm as lgb
import numpy as np

from models.demand.rows import Rows
from models.statistics.gradient_boosting import settings

MIN_DENSE_SHARE: Final = 0.2  # of the rows; for fewer no learner is fitted
MIN_SPARSE_SHARE: Final = 0.05
LOG_LIMIT: Final = 3.0  # predictions lie within a factor e ** 3 of the base
RATIO_LIMIT: Final = 20.0
ROUND_SHARES: Final = (0.15, 0.3, 0.5, 0.75, 1.0)  # of all rounds: the numbers of rounds that are compared
MAX_STOPPING_ROWS: Final = 30_000


@dataclass(frozen=True)
class Learner:
    """What one model minimises, on which rows, and their weights (a power of the level)."""

    name: str
    objective: Mapping[str, Any]
    is_log: bool = False
    weight_power: float = 0.0


TREES: Final = "trees"  # of the mean, over all series
LEARNERS: Final = (
    Learner("log_trees", {"objective": "l1"}, is_log=True),
    Learner(TREES, {"objective": "tweedie", "tweedie_variance_power": 1.3}, weight_power=0.5),
)


@dataclass(frozen=True)
class BoostingParameters:
    """How the trees are grown."""

    max_rows: int = 450_000
    rounds: int = 100  # at most; early stopping may choose fewer
    learning_rate: float = 0.1
    leaves: int = 63
    min_rows_per_leaf: int = 60
    feature_share: float = 0.5
    row_share: float = 0.6
    ridge: float = 5.0


@dataclass(frozen=True)
class Boosting:
    """Fitted trees by learner's name, and after how many rounds each is best in the backtest (0: all)."""

    boosters: Mapping[str, lgb.Booster]
    rounds: Mapping[str, int] = field(default_factory=dict)

    def predict(self, rows: Rows, name: str, rounds: int | None = None) -> np.ndarray:
        """Units per row, at least 0, by one learner."""
        learner = _learner(name)
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
    """The learners worth fitting; `is_dense` (rows,) says whether each row's series is dense."""
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
    """Fit each learner on `rows` with `units` (rows,); `rounds` by learner, else all; `is_dense` (rows,)."""
    return Boosting(
        {
            learner.name: _fit_learner(
                learner, rows, units, is_dense, rounds.get(learner.name), parameters, seed, threads
            )
            for learner in learners
        },
        rounds,
    )


def round_losses(boosting: Boosting, rows: Rows, units: np.ndarray) -> dict[str, dict[int, float]]:
    """By learner and number of rounds: squared errors over the series' levels; absolute ones for logarithms."""
    stride = max(1, len(rows) // MAX_STOPPING_ROWS)
    chosen, actual = rows.only(slice(None, None, stride)), units[::stride]
    found: dict[str, dict[int, float]] = {}
    for name, booster in boosting.boosters.items():
        power = 1 if _learner(name).is_log else 2
        found[name] = {}
        for share in ROUND_SHARES:
            number = max(1, round(share * booster.num_trees()))
            error = np.abs(boosting.predict(chosen, name, number) - actual) ** power / chosen.level ** (power / 2)
            found[name][number] = float(error.mean())
    return found


def best_rounds(losses: list[dict[str, dict[int, float]]]) -> dict[str, int]:
    """Early stopping: by learner, the number of rounds with the least loss over all windows of the backtest."""
    found = {}
    for name, by_rounds in losses[0].items():
        total = {number: sum(window[name].get(number, np.inf) for window in losses) for number in by_rounds}
        found[name] = min(total, key=lambda number: total[number])
    return found


def _learner(name: str) -> Learner:
    return next(learner for learner in LEARNERS if learner.name == name)


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
        target = np.clip(np.log(units / rows.base), -LOG_LIMIT, LOG_LIMIT)
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
