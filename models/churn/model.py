"""Churn: the probability that a customer places no order within the horizon.

The score is the mean log-odds of two models: a logistic regression, which suits little data, and small LightGBM trees
with monotone constraints (longer silence never lowers the risk). The mean is at least as good as either on stores of
different sizes, and both models are additive, so that each risk can be explained. A calibration on a later snapshot
turns the score into a probability.

The baseline is one logistic regression on recency, tenure, frequency and order value (RFM), calibrated alike. It is a
strong one: on many stores it ranks customers almost as well as any model.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import lightgbm as lgb
import numpy as np
from threadpoolctl import threadpool_limits

from contracts.errors import InputError
from models.churn.calibration import ChurnCalibration, ScoredCases
from models.customers.cadence import CadenceParameters
from models.customers.features import MODEL_FEATURES
from models.protocol import FitContext
from models.statistics.gradient_boosting import BoostedTrees, settings
from models.statistics.logistic_regression import LogisticModel
from models.stored_parameters import read_parameters, write_parameters

TREES_FILE: Final = "model.txt"
CALIBRATION_FILE: Final = "calibration.json"
ROWS_PER_THREAD: Final = 100_000  # with fewer rows, threads wait for one another longer than they work
ORDER_DAYS: Final = list(MODEL_FEATURES).index("order_days")
RFM_COLUMNS: Final = [
    list(MODEL_FEATURES).index(name) for name in ("recency_days", "tenure_days", "order_days", "average_order_value")
]
NO_PENALTY: Final = 1e6
TREES_WEIGHT: Final = 0.5  # of the trees in the mean log-odds; the rest is the logistic regression's


@dataclass(frozen=True)
class ChurnParameters(CadenceParameters):
    """Every parameter of the churn family; its horizon is the store's purchase cadence."""

    snapshots: int = 8  # to train on, a quarter of a horizon apart
    snapshot_half_life: float = 4.0  # a case this many snapshots back has half the weight
    min_outcomes: int = 10  # retained and churned customers in each snapshot, at least
    max_training_rows: int = 100_000  # rows; beyond them a sample is trained on
    inverse_penalty: float = 0.01  # of the logistic regression
    trees: int = 200  # trees of the gradient boosting
    leaves: int = 7  # leaves per tree
    learning_rate: float = 0.03  # of the gradient boosting
    min_rows_per_leaf: int = 100  # rows, the least that a leaf of a tree holds
    leaf_penalty: float = 20.0  # L2 penalty on the leaves' values

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.snapshots < 1:
            raise InputError(f"snapshots is {self.snapshots}; at least 1 is needed.")


@dataclass(frozen=True)
class ChurnCases:
    """Customers of one or more snapshots, which are numbered backwards from the latest, and their outcomes."""

    features: np.ndarray  # (cases, len(MODEL_FEATURES)), NaN where missing
    outcome: np.ndarray  # (cases,); 1: no order within the horizon
    snapshot: np.ndarray  # (cases,); 0: the latest
    known_from: int  # number of the newest snapshot whose outcomes were known at snapshot 0

    @classmethod
    def concatenated(cls, parts: dict[int, tuple[np.ndarray, np.ndarray]], known_from: int) -> Self:
        """The (features, outcome) of snapshots, by their numbers."""
        return cls(
            np.concatenate([features for features, _ in parts.values()]),
            np.concatenate([outcome for _, outcome in parts.values()]),
            np.concatenate([np.full(len(outcome), number) for number, (_, outcome) in parts.items()]),
            known_from,
        )

    @property
    def latest(self) -> Self:
        """The cases of the latest snapshot."""
        return self.subset(self.snapshot == 0)

    @property
    def earlier(self) -> Self:
        """The cases whose outcomes were known at the latest snapshot."""
        return self.subset(self.snapshot >= self.known_from)

    def sampled(self, max_rows: int, seed: int) -> Self:
        """All cases, or a random `max_rows` of them."""
        if len(self.outcome) <= max_rows:
            return self
        return self.subset(np.sort(np.random.default_rng(seed).choice(len(self.outcome), max_rows, replace=False)))

    def subset(self, rows: np.ndarray) -> Self:
        """The cases in these rows: numbers, or a mask (cases,)."""
        return type(self)(self.features[rows], self.outcome[rows], self.snapshot[rows], self.known_from)


class ChurnPrediction(NamedTuple):
    """P(no order within the horizon), and its 80 % interval, each (customers,)."""

    risk: np.ndarray
    low: np.ndarray
    high: np.ndarray


class _Scorer(NamedTuple):
    """What gives a customer's log-odds before the calibration."""

    trees: BoostedTrees | None
    logistic: LogisticModel


@dataclass(frozen=True)
class ChurnModel:
    """Trees, logistic regression and calibration; features (customers, len(MODEL_FEATURES)), NaN where missing.

    The baseline has no trees, and its logistic regression has weights for RFM only.
    """

    trees: BoostedTrees | None
    logistic: LogisticModel
    calibration: ChurnCalibration

    @classmethod
    def fit(cls, cases: ChurnCases, parameters: ChurnParameters, context: FitContext) -> Self:
        """Fit to all cases. The slope of the calibration comes from a fit to `earlier` that predicts `latest`."""
        return cls._fit(cases, parameters, context, _fit_pair)

    @classmethod
    def fit_baseline(cls, cases: ChurnCases, parameters: ChurnParameters, context: FitContext) -> Self:
        """The RFM baseline, fitted to the same cases and calibrated like the model."""
        return cls._fit(cases, parameters, context, _fit_rfm)

    @classmethod
    def _fit(
        cls,
        cases: ChurnCases,
        parameters: ChurnParameters,
        context: FitContext,
        fit_scorer: Callable[[ChurnCases, ChurnParameters, FitContext], _Scorer],
    ) -> Self:
        assert cases.features.shape == (len(cases.outcome), len(MODEL_FEATURES))
        with threadpool_limits(1, "blas"):
            later = _scored(fit_scorer(cases.earlier, parameters, context), cases.latest, parameters, context.threads)
            scorer = fit_scorer(cases, parameters, context)
            everything = _scored(scorer, cases, parameters, context.threads)
            return cls(*scorer, ChurnCalibration.fit(later, everything))

    def predict(self, features: np.ndarray, threads: int = 1) -> ChurnPrediction:
        """P(no order within the horizon), with its 80 % interval."""
        if len(features) == 0:
            return ChurnPrediction(np.empty(0), np.empty(0), np.empty(0))
        score, spread = _score(_Scorer(self.trees, self.logistic), features, threads)
        is_one_time = features[:, ORDER_DAYS] <= 1
        low, high = self.calibration.interval(score, spread, is_one_time)
        return ChurnPrediction(self.calibration.probability(score, is_one_time), low, high)

    def explain(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """What each feature adds to the uncalibrated log-odds of an average customer, (customers, features).

        Exact for the logistic regression; SHAP values for the trees (Lundberg et al., Nature MI 2020).
        """
        if len(features) == 0:
            return np.empty(features.shape)
        of_logistic = self.logistic.contributions(features)
        if self.trees is None:
            return of_logistic
        of_trees = self.trees.contributions(features, threads)
        return TREES_WEIGHT * of_trees + (1 - TREES_WEIGHT) * of_logistic

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write calibration.json, parameters.json, which repeats `facts` about the fit, and the trees in model.txt."""
        write_parameters(folder, facts | {"logistic": self.logistic.to_json()}, MODEL_FEATURES)
        if self.trees is not None:
            self.trees.write(folder / TREES_FILE)
        text = json.dumps(self.calibration.to_json(), indent=1) + "\n"
        (folder / CALIBRATION_FILE).write_text(text, encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote; raises BundleRefused where the features are not those of this version."""
        parameters = read_parameters(folder, MODEL_FEATURES)
        has_trees = (folder / TREES_FILE).is_file()
        return cls(
            BoostedTrees.read(folder / TREES_FILE) if has_trees else None,
            LogisticModel.from_json(parameters["logistic"]),
            ChurnCalibration.from_json(json.loads((folder / CALIBRATION_FILE).read_text(encoding="utf-8"))),
        )


def _fit_rfm(cases: ChurnCases, parameters: ChurnParameters, context: FitContext) -> _Scorer:
    """Logistic regression on RFM, with a weight of 0 for every other feature."""
    weight = _weight(cases, parameters)
    fitted = LogisticModel.fit(cases.features[:, RFM_COLUMNS], cases.outcome, NO_PENALTY, weight)
    means, scales, weights = np.zeros(len(MODEL_FEATURES)), np.ones(len(MODEL_FEATURES)), np.zeros(len(MODEL_FEATURES))
    means[RFM_COLUMNS], scales[RFM_COLUMNS], weights[RFM_COLUMNS] = fitted.means, fitted.scales, fitted.weights
    return _Scorer(None, LogisticModel(means, scales, weights, fitted.intercept))


def _fit_pair(cases: ChurnCases, parameters: ChurnParameters, context: FitContext) -> _Scorer:
    """Trees and logistic regression; recent cases weigh more."""
    weight = _weight(cases, parameters)
    chosen = settings(
        objective="binary",
        learning_rate=parameters.learning_rate,
        num_leaves=parameters.leaves,
        min_data_in_leaf=min(parameters.min_rows_per_leaf, max(len(weight) // 20, 1)),
        lambda_l2=parameters.leaf_penalty,
        feature_fraction=0.5,
        bagging_fraction=0.7,
        bagging_freq=1,
        monotone_constraints=[feature.direction for feature in MODEL_FEATURES.values()],
        seed=context.seed,
        threads=min(context.threads, 1 + len(weight) // ROWS_PER_THREAD),
    )
    rows = lgb.Dataset(cases.features, cases.outcome, weight=weight, feature_name=list(MODEL_FEATURES))
    trees = BoostedTrees.of(lgb.train(chosen, rows, parameters.trees))
    return _Scorer(trees, LogisticModel.fit(cases.features, cases.outcome, parameters.inverse_penalty, weight))


def _weight(cases: ChurnCases, parameters: ChurnParameters) -> np.ndarray:
    return np.asarray(0.5 ** (cases.snapshot / parameters.snapshot_half_life))


def _scored(scorer: _Scorer, cases: ChurnCases, parameters: ChurnParameters, threads: int) -> ScoredCases:
    score, spread = _score(scorer, cases.features, threads)
    is_one_time = cases.features[:, ORDER_DAYS] <= 1
    return ScoredCases(score, spread, is_one_time, cases.outcome, _weight(cases, parameters), cases.snapshot)


def _score(scorer: _Scorer, features: np.ndarray, threads: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean log-odds, and half the distance between the two models (the ensemble spread), each (customers,)."""
    of_logistic = scorer.logistic.score(features)
    if scorer.trees is None:
        return of_logistic, np.zeros(len(features))
    of_trees = scorer.trees.score(features, threads)
    return TREES_WEIGHT * of_trees + (1 - TREES_WEIGHT) * of_logistic, np.abs(of_trees - of_logistic) / 2
