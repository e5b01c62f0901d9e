"""Churn: the probability that a customer places no order within the horizon.

Two models are averaged in log-odds: a logistic regression, which little data suits, and small LightGBM trees that may
only bend the way a shopkeeper would expect (longer silence never lowers the risk). Averaging beats or equals either on
stores of different sizes, and both are additive, so that reasons can be read off. A calibration fitted on a later
snapshot makes a probability of the score.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np
from threadpoolctl import threadpool_limits

from models.churn.calibration import ChurnCalibration, ScoredCases
from models.customers.cadence import CadenceParameters
from models.customers.features import MODEL_FEATURES
from models.statistics.logistic_regression import LogisticModel

TREES_FILE: Final = "model.txt"
CALIBRATION_FILE: Final = "calibration.json"
PARAMETERS_FILE: Final = "parameters.json"
ROWS_PER_THREAD: Final = 100_000  # below that, threads wait for one another longer than they work
ORDER_DAYS: Final = list(MODEL_FEATURES).index("order_days")
TREE_SHARE: Final = 0.5  # of the log-odds; the rest is the logistic regression's


@dataclass(frozen=True)
class ChurnParameters(CadenceParameters):
    """Every parameter of the churn family; its horizon is the store's purchase cadence."""

    snapshots: int = 8  # to learn from, a quarter of a horizon apart
    snapshot_half_life: float = 4.0  # snapshots back after which a case counts half
    min_outcomes: int = 10  # who stayed, and who left, in each snapshot's customers
    max_training_rows: int = 100_000
    inverse_penalty: float = 0.01  # of the logistic regression
    trees: int = 200
    leaves: int = 7
    learning_rate: float = 0.03
    min_rows_per_leaf: int = 100
    leaf_penalty: float = 20.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.snapshots < 1:
            raise ValueError(f"snapshots is {self.snapshots}; at least 1 is needed.")


@dataclass(frozen=True)
class ChurnCases:
    """Customers of one or more snapshots, numbered from the latest one backwards, and what became of them."""

    features: np.ndarray  # (cases, len(MODEL_FEATURES)), NaN where missing
    outcome: np.ndarray  # (cases,); 1: no order within the horizon
    snapshot: np.ndarray  # (cases,); 0: the latest

    @classmethod
    def stacked(cls, parts: list[tuple[np.ndarray, np.ndarray]]) -> Self:
        """Of the (features, outcome) of snapshots, the latest first."""
        return cls(
            np.concatenate([features for features, _ in parts]),
            np.concatenate([outcome for _, outcome in parts]),
            np.concatenate([np.full(len(outcome), number) for number, (_, outcome) in enumerate(parts)]),
        )

    def only(self, chosen: np.ndarray) -> Self:
        """The cases where `chosen` (cases,) is true, or in these rows."""
        return type(self)(self.features[chosen], self.outcome[chosen], self.snapshot[chosen])


@dataclass(frozen=True)
class ChurnModel:
    """Trees, logistic regression and calibration; features (customers, len(MODEL_FEATURES)), NaN where missing."""

    trees: str  # LightGBM text
    logistic: LogisticModel
    calibration: ChurnCalibration

    @classmethod
    def fit(cls, cases: ChurnCases, unseen: int, parameters: ChurnParameters, seed: int, threads: int) -> Self:
        """Fit on all cases; how steep the scores are is judged on the latest snapshot by a fit that had not seen it.

        That fit is on the snapshots from number `unseen` back, whose outcomes were known at the latest one.
        """
        assert cases.features.shape == (len(cases.outcome), len(MODEL_FEATURES))
        with threadpool_limits(1, "blas"):
            past, latest = cases.only(cases.snapshot >= unseen), cases.only(cases.snapshot == 0)
            later = _scored(_fit_pair(past, parameters, seed, threads), latest, parameters, threads)
            trees, logistic = _fit_pair(cases, parameters, seed, threads)
            everything = _scored((trees, logistic), cases, parameters, threads)
            return cls(trees.model_to_string(), logistic, ChurnCalibration.fit(later, everything))

    def risk(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """P(no order within the horizon), (customers,)."""
        return self.risk_with_interval(features, threads)[0]

    def risk_with_interval(self, features: np.ndarray, threads: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """P(no order within the horizon), and the low and the high end of its 80 % interval, each (customers,)."""
        if len(features) == 0:
            return np.empty(0), np.empty(0), np.empty(0)
        score, disagreement = _score(lgb.Booster(model_str=self.trees), self.logistic, features, threads)
        is_one_time = features[:, ORDER_DAYS] <= 1
        low, high = self.calibration.interval(score, disagreement, is_one_time)
        return self.calibration.probability(score, is_one_time), low, high

    def contributions(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """What each number adds to the uncalibrated log-odds against an average customer, like features' shape.

        Exact for the logistic regression; SHAP values for the trees (Lundberg et al., Nature MI 2020).
        """
        if len(features) == 0:
            return np.empty(features.shape)
        booster = lgb.Booster(model_str=self.trees)
        shap = np.asarray(booster.predict(features, pred_contrib=True, num_threads=threads))[:, :-1]
        return TREE_SHARE * shap + (1 - TREE_SHARE) * self.logistic.contributions(features)

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write model.txt, calibration.json and parameters.json, which also repeats `facts` about the fit."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / TREES_FILE).write_text(self.trees, encoding="utf-8")
        parameters = facts | {"features": list(MODEL_FEATURES), "logistic": self.logistic.to_json()}
        for name, content in ((CALIBRATION_FILE, self.calibration.to_json()), (PARAMETERS_FILE, parameters)):
            (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` wrote."""
        parameters = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        assert parameters["features"] == list(MODEL_FEATURES), "written by another version, with other features"
        return cls(
            trees=(folder / TREES_FILE).read_text(encoding="utf-8"),
            logistic=LogisticModel.from_json(parameters["logistic"]),
            calibration=ChurnCalibration.from_json(json.loads((folder / CALIBRATION_FILE).read_text(encoding="utf-8"))),
        )


def _fit_pair(
    cases: ChurnCases, parameters: ChurnParameters, seed: int, threads: int
) -> tuple[lgb.Booster, LogisticModel]:
    """Trees and logistic regression; recent cases count more."""
    weight = _weight(cases, parameters)
    settings = {
        "objective": "binary",
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": min(parameters.min_rows_per_leaf, max(len(weight) // 20, 1)),
        "lambda_l2": parameters.leaf_penalty,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "monotone_constraints": [feature.direction for feature in MODEL_FEATURES.values()],
        "seed": seed,
        "num_threads": min(threads, 1 + len(weight) // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    rows = lgb.Dataset(cases.features, cases.outcome, weight=weight, feature_name=list(MODEL_FEATURES))
    trees = lgb.train(settings, rows, parameters.trees)
    return trees, LogisticModel.fit(cases.features, cases.outcome, parameters.inverse_penalty, weight)


def _weight(cases: ChurnCases, parameters: ChurnParameters) -> np.ndarray:
    weight: np.ndarray = 0.5 ** (cases.snapshot / parameters.snapshot_half_life)
    return weight


def _scored(
    models: tuple[lgb.Booster, LogisticModel], cases: ChurnCases, parameters: ChurnParameters, threads: int
) -> ScoredCases:
    score, disagreement = _score(*models, cases.features, threads)
    is_one_time = cases.features[:, ORDER_DAYS] <= 1
    weight = _weight(cases, parameters)
    return ScoredCases(score, disagreement, is_one_time, cases.outcome, weight, cases.snapshot)


def _score(
    trees: lgb.Booster, logistic: LogisticModel, features: np.ndarray, threads: int
) -> tuple[np.ndarray, np.ndarray]:
    """Averaged log-odds, and half the distance between the two models', each (customers,)."""
    raw = np.asarray(trees.predict(features, raw_score=True, num_threads=threads))
    linear = logistic.score(features)
    return TREE_SHARE * raw + (1 - TREE_SHARE) * linear, np.abs(raw - linear) / 2
