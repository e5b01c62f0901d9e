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

from models.calibration import Calibration, calibration_from_json, fit_calibration
from models.churn_features import FEATURES
from models.logistic import LogisticModel

TREES_FILE: Final = "model.txt"
CALIBRATION_FILE: Final = "calibration.json"
PARAMETERS_FILE: Final = "parameters.json"
ROWS_PER_THREAD: Final = 100_000  # below that, threads wait for one another longer than they work
TREE_SHARE: Final = 0.5  # of the log-odds; the rest is the logistic regression's


@dataclass(frozen=True)
class ChurnParameters:
    """Every parameter of the churn family."""

    horizon_days: int | None = None  # None: from the store's own gaps between orders
    horizon_quantile: float = 0.85  # of the gaps between a customer's orders
    snapshots: int = 3  # training snapshots, a quarter of a horizon apart
    min_customers: int = 50  # whom a snapshot must have
    min_outcomes: int = 10  # who stayed, and who left, in each snapshot's customers
    max_training_rows: int = 100_000
    inverse_penalty: float = 0.05  # of the logistic regression
    trees: int = 200
    leaves: int = 7
    learning_rate: float = 0.03
    min_rows_per_leaf: int = 50
    leaf_penalty: float = 10.0

    def __post_init__(self) -> None:
        if self.horizon_days is not None and not 1 <= self.horizon_days <= 730:
            raise ValueError(f"horizon_days is {self.horizon_days}; allowed are 1 to 730.")
        if not 0 < self.horizon_quantile < 1:
            raise ValueError(f"horizon_quantile is {self.horizon_quantile}; it must lie between 0 and 1.")
        if self.snapshots < 1:
            raise ValueError(f"snapshots is {self.snapshots}; at least 1 is needed.")


@dataclass(frozen=True)
class ChurnModel:
    """Trees, logistic regression and calibration; features (customers, len(FEATURES)), NaN where missing."""

    trees: str  # LightGBM text
    logistic: LogisticModel
    calibration: Calibration

    @classmethod
    def fit(
        cls,
        training: tuple[np.ndarray, np.ndarray],
        later: tuple[np.ndarray, np.ndarray],
        parameters: ChurnParameters,
        seed: int,
        threads: int,
    ) -> Self:
        """Fit on the training snapshots' features and outcomes (1: no order), calibrate on a later snapshot's."""
        features, outcome = training
        assert features.shape == (len(outcome), len(FEATURES))
        trees = _fit_trees(features, outcome, parameters, seed, threads)
        with threadpool_limits(1, "blas"):
            logistic = LogisticModel.fit(features, outcome, parameters.inverse_penalty)
            score = _score(trees, logistic, later[0], threads)
            return cls(trees.model_to_string(), logistic, fit_calibration(score, later[1]))

    def risk(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """P(no order within the horizon), (customers,)."""
        if len(features) == 0:
            return np.empty(0)
        score = _score(lgb.Booster(model_str=self.trees), self.logistic, features, threads)
        return self.calibration.probability(score)

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
        parameters = facts | {"features": list(FEATURES), "logistic": self.logistic.to_json()}
        for name, content in ((CALIBRATION_FILE, self.calibration.to_json()), (PARAMETERS_FILE, parameters)):
            (folder / name).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` wrote."""
        parameters = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        assert parameters["features"] == list(FEATURES), "written by another version, with other features"
        return cls(
            trees=(folder / TREES_FILE).read_text(encoding="utf-8"),
            logistic=LogisticModel.from_json(parameters["logistic"]),
            calibration=calibration_from_json(json.loads((folder / CALIBRATION_FILE).read_text(encoding="utf-8"))),
        )


def _fit_trees(
    features: np.ndarray, outcome: np.ndarray, parameters: ChurnParameters, seed: int, threads: int
) -> lgb.Booster:
    settings = {
        "objective": "binary",
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": parameters.min_rows_per_leaf,
        "lambda_l2": parameters.leaf_penalty,
        "feature_fraction": 0.7,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "monotone_constraints": [feature.direction for feature in FEATURES.values()],
        "seed": seed,
        "num_threads": min(threads, 1 + len(outcome) // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    return lgb.train(settings, lgb.Dataset(features, outcome, feature_name=list(FEATURES)), parameters.trees)


def _score(trees: lgb.Booster, logistic: LogisticModel, features: np.ndarray, threads: int) -> np.ndarray:
    """Averaged log-odds (customers,)."""
    raw = np.asarray(trees.predict(features, raw_score=True, num_threads=threads))
    return TREE_SHARE * raw + (1 - TREE_SHARE) * logistic.score(features)
