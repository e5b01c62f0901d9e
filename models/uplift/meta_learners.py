"""Learners that score customers by what contacting them changes, from a randomised holdout.

S, T and X on LightGBM (Künzel, Sekhon, Bickel and Yu, PNAS 2019); T on logistic regressions, which little data and
straight effects suit; the mean of these four; and the response-only baseline, which asks who orders when contacted and
not whom contacting changes. All are made of the same few parts, and a part that two learners need is fitted once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

import lightgbm as lgb
import numpy as np
from scipy.special import expit
from threadpoolctl import threadpool_limits

from models.statistics.logistic_regression import LogisticModel

# What a part predicts; trees, except where said.
POOLED: Final = "pooled"  # an order, from the features and whether contacted: both arms
CONTACTED: Final = "contacted"  # an order, of who was contacted
HELD_OUT: Final = "held_out"  # an order, of who was not
GAIN_CONTACTED: Final = "gain_contacted"  # the outcome of who was contacted, less what HELD_OUT predicts for them
GAIN_HELD_OUT: Final = "gain_held_out"  # what CONTACTED predicts for who was not, less their outcome
LOGIT_CONTACTED: Final = "logit_contacted"  # as CONTACTED, by logistic regression
LOGIT_HELD_OUT: Final = "logit_held_out"  # as HELD_OUT, by logistic regression

S: Final = "s"
T: Final = "t"
X: Final = "x"
LOGISTIC: Final = "logistic"
MEAN: Final = "mean"
RESPONSE: Final = "response"

ROWS_PER_THREAD: Final = 100_000  # below that, threads wait for one another longer than they work

Part: TypeAlias = lgb.Booster | LogisticModel


@dataclass(frozen=True)
class Trial:
    """A randomised campaign: who had which features, who was contacted, who ordered. All rows count by `weight`."""

    features: np.ndarray  # (customers, features), float; NaN where missing
    treated: np.ndarray  # (customers,), 1: contacted, 0: held out
    outcome: np.ndarray  # (customers,), 1: ordered
    weight: np.ndarray  # (customers,)

    def __post_init__(self) -> None:
        assert len(self.features) == len(self.treated) == len(self.outcome) == len(self.weight)

    @property
    def treated_share(self) -> float:
        return float((self.treated * self.weight).sum() / self.weight.sum())

    def taken(self, rows: np.ndarray) -> "Trial":
        """The customers that `rows`, a mask or numbers, choose."""
        return Trial(self.features[rows], self.treated[rows], self.outcome[rows], self.weight[rows])


@dataclass(frozen=True)
class LearnerParameters:
    """Small trees, strongly regularised: what contacting changes is far fainter than who orders."""

    trees: int = 150
    leaves: int = 4
    learning_rate: float = 0.03
    leaf_penalty: float = 10.0
    leaf_share: float = 0.01  # of the rows, the least that a leaf holds, within the bounds below
    least_rows_per_leaf: int = 20
    most_rows_per_leaf: int = 200
    inverse_penalty: float = 0.05  # of the logistic regressions


class Scorer:
    """What fitted parts say of some customers; each prediction is made once."""

    def __init__(self, parts: Mapping[str, Part], features: np.ndarray, treated_share: float, threads: int) -> None:
        self._parts, self._features, self._threads = parts, features, threads
        self._known: dict[tuple[str, int | None], np.ndarray] = {}
        self.treated_share = treated_share

    def predicted(self, role: str, arm: int | None = None) -> np.ndarray:
        """The prediction of the part of that role, (customers,); `arm` where it also sees whether contacted."""
        if (role, arm) not in self._known:
            features = self._features if arm is None else _with_arm(self._features, arm)
            self._known[role, arm] = _prediction(self._parts[role], features, self._threads)
        return self._known[role, arm]


def fit_parts(
    trial: Trial, methods: Iterable[str], parameters: LearnerParameters, seed: int, threads: int
) -> dict[str, Part]:
    """The parts that these methods need; both arms need customers of either outcome."""
    needed = roles_of(methods)
    is_treated = trial.treated == 1
    contacted, held_out = trial.taken(is_treated), trial.taken(~is_treated)

    def grow(objective: str, rows: Trial, target: np.ndarray) -> lgb.Booster:
        return _trained(objective, rows.features, target, rows.weight, parameters, seed, threads)

    parts: dict[str, Part] = {}
    if POOLED in needed:
        features = _with_arm(trial.features, trial.treated)
        parts[POOLED] = _trained("binary", features, trial.outcome, trial.weight, parameters, seed, threads)
    for role, rows in ((CONTACTED, contacted), (HELD_OUT, held_out)):
        if role in needed:
            parts[role] = grow("binary", rows, rows.outcome)
    if GAIN_CONTACTED in needed:
        gain = contacted.outcome - _prediction(parts[HELD_OUT], contacted.features, threads)
        parts[GAIN_CONTACTED] = grow("regression", contacted, gain)
        gain = _prediction(parts[CONTACTED], held_out.features, threads) - held_out.outcome
        parts[GAIN_HELD_OUT] = grow("regression", held_out, gain)
    for role, rows in ((LOGIT_CONTACTED, contacted), (LOGIT_HELD_OUT, held_out)):
        if role in needed:
            with threadpool_limits(1, "blas"):
                parts[role] = LogisticModel.fit(rows.features, rows.outcome, parameters.inverse_penalty, rows.weight)
    return parts


def roles_of(methods: Iterable[str]) -> set[str]:
    """The parts that these methods are made of."""
    return {role for method in methods for role in _ROLES[method]}


def _s(scorer: Scorer) -> np.ndarray:
    gain: np.ndarray = scorer.predicted(POOLED, 1) - scorer.predicted(POOLED, 0)
    return gain


def _t(scorer: Scorer) -> np.ndarray:
    gain: np.ndarray = scorer.predicted(CONTACTED) - scorer.predicted(HELD_OUT)
    return gain


def _x(scorer: Scorer) -> np.ndarray:
    share = scorer.treated_share
    gain: np.ndarray = (1 - share) * scorer.predicted(GAIN_CONTACTED) + share * scorer.predicted(GAIN_HELD_OUT)
    return gain


def _logistic(scorer: Scorer) -> np.ndarray:
    gain: np.ndarray = scorer.predicted(LOGIT_CONTACTED) - scorer.predicted(LOGIT_HELD_OUT)
    return gain


def _mean(scorer: Scorer) -> np.ndarray:
    mean: np.ndarray = (_s(scorer) + _t(scorer) + _x(scorer) + _logistic(scorer)) / 4
    return mean


def _response(scorer: Scorer) -> np.ndarray:
    return scorer.predicted(CONTACTED)


# Method -> score (customers,): differences of probabilities, except RESPONSE, which is a probability.
SCORES: Final[dict[str, Callable[[Scorer], np.ndarray]]] = {
    S: _s,
    T: _t,
    X: _x,
    LOGISTIC: _logistic,
    MEAN: _mean,
    RESPONSE: _response,
}
LEARNERS: Final = (S, T, X, LOGISTIC, MEAN)
_OF_X: Final = (CONTACTED, HELD_OUT, GAIN_CONTACTED, GAIN_HELD_OUT)
_OF_LOGISTIC: Final = (LOGIT_CONTACTED, LOGIT_HELD_OUT)
_ROLES: Final[dict[str, tuple[str, ...]]] = {
    S: (POOLED,),
    T: (CONTACTED, HELD_OUT),
    X: _OF_X,
    LOGISTIC: _OF_LOGISTIC,
    MEAN: (POOLED, *_OF_X, *_OF_LOGISTIC),
    RESPONSE: (CONTACTED,),
}


def _prediction(part: Part, features: np.ndarray, threads: int) -> np.ndarray:
    if isinstance(part, LogisticModel):
        probability: np.ndarray = expit(part.score(features))
        return probability
    return np.asarray(part.predict(features, num_threads=threads))


def _with_arm(features: np.ndarray, arm: np.ndarray | int) -> np.ndarray:
    return np.column_stack([features, np.broadcast_to(arm, len(features))])


def _trained(
    objective: str,
    features: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    parameters: LearnerParameters,
    seed: int,
    threads: int,
) -> lgb.Booster:
    rows = len(target)
    settings = {
        "objective": objective,
        "learning_rate": parameters.learning_rate,
        "num_leaves": parameters.leaves,
        "min_data_in_leaf": int(
            np.clip(rows * parameters.leaf_share, parameters.least_rows_per_leaf, parameters.most_rows_per_leaf)
        ),
        "lambda_l2": parameters.leaf_penalty,
        "bagging_fraction": 0.7,
        "bagging_freq": 1,
        "max_bin": 63,
        "seed": seed,
        "num_threads": min(threads, 1 + rows // ROWS_PER_THREAD),
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }
    return lgb.train(settings, lgb.Dataset(features, target, weight=weight), parameters.trees)
