"""Meta-learners of uplift: they score customers by the effect of contacting them, from a randomised experiment.

S-, T- and X-learner on LightGBM (Künzel, Sekhon, Bickel and Yu, PNAS 2019); a T-learner on logistic regressions, which
suits little data and linear effects; the mean of these four; and the response model, the baseline, which scores
customers by P(order) when contacted, not by what contacting changes. They share their stages: a base learner that two
meta-learners need is fitted once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import lightgbm as lgb
import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.protocol import FitContext
from models.statistics.gradient_boosting import settings
from models.statistics.logistic_regression import LogisticModel
from models.uplift.experiment import ExperimentData

# Stages: what a base learner predicts. Trees, except where said.
S_OUTCOME: Final = "s_outcome"  # the outcome, from the features and the arm, fitted on both arms
TREATED_OUTCOME: Final = "treated_outcome"  # the outcome, fitted on the treated arm
CONTROL_OUTCOME: Final = "control_outcome"  # the outcome, fitted on the control arm
TREATED_EFFECT: Final = "treated_effect"  # X-learner: outcomes of the treated less CONTROL_OUTCOME's prediction
CONTROL_EFFECT: Final = "control_effect"  # X-learner: TREATED_OUTCOME's prediction less the outcomes of the control
TREATED_LOGISTIC: Final = "treated_logistic"  # as TREATED_OUTCOME, by logistic regression
CONTROL_LOGISTIC: Final = "control_logistic"  # as CONTROL_OUTCOME, by logistic regression

S: Final = "s"
T: Final = "t"
X: Final = "x"
LOGISTIC: Final = "logistic"
MEAN: Final = "mean"
RESPONSE_MODEL: Final = "response"

ROWS_PER_THREAD: Final = 100_000  # with fewer, more threads are slower

BaseLearner: TypeAlias = lgb.Booster | LogisticModel


@dataclass(frozen=True)
class LearnerParameters:
    """Small, strongly regularised trees: effects are far weaker than differences between customers."""

    trees: int = 150  # trees of the gradient boosting
    leaves: int = 4  # leaves per tree
    learning_rate: float = 0.03  # of the gradient boosting
    leaf_penalty: float = 10.0  # L2 penalty on the leaves' values
    leaf_share: float = 0.01  # of the rows, the least that a leaf holds, within the bounds below
    least_rows_per_leaf: int = 20  # the least that `leaf_share` asks of a leaf
    most_rows_per_leaf: int = 200  # the most that `leaf_share` asks of a leaf
    inverse_penalty: float = 0.05  # of the logistic regressions


class StagePredictions:
    """Predictions of fitted stages for some customers, each made once."""

    def __init__(
        self, stages: Mapping[str, BaseLearner], features: np.ndarray, treated_share: float, threads: int
    ) -> None:
        self._stages, self._features, self._threads = stages, features, threads
        self._made: dict[tuple[str, int | None], np.ndarray] = {}
        self.treated_share = treated_share

    def of(self, stage: str, arm: int | None = None) -> np.ndarray:
        """The prediction of a stage, (customers,); `arm` for the stage that has the arm among its features."""
        if (stage, arm) not in self._made:
            features = self._features if arm is None else _with_arm(self._features, arm)
            self._made[stage, arm] = _prediction(self._stages[stage], features, self._threads)
        return self._made[stage, arm]


def fit_stages(
    experiment: ExperimentData, methods: Iterable[str], parameters: LearnerParameters, context: FitContext
) -> dict[str, BaseLearner]:
    """Fit the stages that these methods need; both arms need customers of either outcome."""
    needed = stages_of(methods)
    is_treated = experiment.treated == 1
    treated, control = experiment.subset(is_treated), experiment.subset(~is_treated)

    def boost(objective: str, rows: ExperimentData, target: np.ndarray) -> lgb.Booster:
        return _boosted(objective, rows.features, target, rows.weight, parameters, context)

    stages: dict[str, BaseLearner] = {}
    if S_OUTCOME in needed:
        features = _with_arm(experiment.features, experiment.treated)
        stages[S_OUTCOME] = _boosted("binary", features, experiment.outcome, experiment.weight, parameters, context)
    for stage, rows in ((TREATED_OUTCOME, treated), (CONTROL_OUTCOME, control)):
        if stage in needed:
            stages[stage] = boost("binary", rows, rows.outcome)
    if TREATED_EFFECT in needed:
        effect = treated.outcome - _prediction(stages[CONTROL_OUTCOME], treated.features, context.threads)
        stages[TREATED_EFFECT] = boost("regression", treated, effect)
        effect = _prediction(stages[TREATED_OUTCOME], control.features, context.threads) - control.outcome
        stages[CONTROL_EFFECT] = boost("regression", control, effect)
    for stage, rows in ((TREATED_LOGISTIC, treated), (CONTROL_LOGISTIC, control)):
        if stage in needed:
            with threadpool_limits(1, "blas"):
                stages[stage] = LogisticModel.fit(rows.features, rows.outcome, parameters.inverse_penalty, rows.weight)
    return stages


def stages_of(methods: Iterable[str]) -> set[str]:
    """The stages that these methods need."""
    return {stage for method in methods for stage in _STAGES[method]}


def _s(predictions: StagePredictions) -> np.ndarray:
    return np.asarray(predictions.of(S_OUTCOME, 1) - predictions.of(S_OUTCOME, 0))


def _t(predictions: StagePredictions) -> np.ndarray:
    return np.asarray(predictions.of(TREATED_OUTCOME) - predictions.of(CONTROL_OUTCOME))


def _x(predictions: StagePredictions) -> np.ndarray:
    share = predictions.treated_share
    return np.asarray((1 - share) * predictions.of(TREATED_EFFECT) + share * predictions.of(CONTROL_EFFECT))


def _logistic(predictions: StagePredictions) -> np.ndarray:
    return np.asarray(predictions.of(TREATED_LOGISTIC) - predictions.of(CONTROL_LOGISTIC))


def _mean(predictions: StagePredictions) -> np.ndarray:
    return np.asarray((_s(predictions) + _t(predictions) + _x(predictions) + _logistic(predictions)) / 4)


def _response(predictions: StagePredictions) -> np.ndarray:
    return predictions.of(TREATED_OUTCOME)


# Method -> score (customers,): differences of probabilities, except RESPONSE_MODEL, which is a probability.
SCORES: Final[dict[str, Callable[[StagePredictions], np.ndarray]]] = {
    S: _s,
    T: _t,
    X: _x,
    LOGISTIC: _logistic,
    MEAN: _mean,
    RESPONSE_MODEL: _response,
}
LEARNERS: Final = (S, T, X, LOGISTIC, MEAN)
_OF_X: Final = (TREATED_OUTCOME, CONTROL_OUTCOME, TREATED_EFFECT, CONTROL_EFFECT)
_OF_LOGISTIC: Final = (TREATED_LOGISTIC, CONTROL_LOGISTIC)
_STAGES: Final[dict[str, tuple[str, ...]]] = {
    S: (S_OUTCOME,),
    T: (TREATED_OUTCOME, CONTROL_OUTCOME),
    X: _OF_X,
    LOGISTIC: _OF_LOGISTIC,
    MEAN: (S_OUTCOME, *_OF_X, *_OF_LOGISTIC),
    RESPONSE_MODEL: (TREATED_OUTCOME,),
}


def _prediction(learner: BaseLearner, features: np.ndarray, threads: int) -> np.ndarray:
    if isinstance(learner, LogisticModel):
        return np.asarray(expit(learner.score(features)))
    return np.asarray(learner.predict(features, num_threads=threads))


def _with_arm(features: np.ndarray, arm: np.ndarray | int) -> np.ndarray:
    return np.column_stack([features, np.broadcast_to(arm, len(features))])


def _boosted(
    objective: str,
    features: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    parameters: LearnerParameters,
    context: FitContext,
) -> lgb.Booster:
    rows = len(target)
    leaf_rows = np.clip(rows * parameters.leaf_share, parameters.least_rows_per_leaf, parameters.most_rows_per_leaf)
    chosen = settings(
        seed=context.seed,
        threads=min(context.threads, 1 + rows // ROWS_PER_THREAD),
        objective=objective,
        learning_rate=parameters.learning_rate,
        num_leaves=parameters.leaves,
        min_data_in_leaf=int(leaf_rows),
        lambda_l2=parameters.leaf_penalty,
        bagging_fraction=0.7,
        bagging_freq=1,
        max_bin=63,
    )
    return lgb.train(chosen, lgb.Dataset(features, target, weight=weight), parameters.trees)
