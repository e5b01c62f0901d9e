"""Uplift: the effect of contacting a customer on P(order), learned from randomised experiments.

Meta-learners are cross-fitted: each customer is scored by stages that were fitted without them. The learner with the
best Qini is chosen if it beats the response model by more than noise; otherwise the choice is the response model, and
no ranking by uplift is published. The model keeps the stages of every fold and averages their scores; the variance
between folds is part of the interval.

Valid only where the treatment was assigned at random.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student_t

from contracts.errors import InputError
from models.customers.features import FEATURES
from models.protocol import FitContext
from models.statistics.logistic_regression import LogisticModel
from models.stored_parameters import read_parameters, write_parameters
from models.uplift.calibration import UpliftCalibration
from models.uplift.experiment import ExperimentData
from models.uplift.meta_learners import (
    CONTROL_OUTCOME,
    LEARNERS,
    RESPONSE_MODEL,
    SCORES,
    BaseLearner,
    LearnerParameters,
    StagePredictions,
    fit_stages,
    stages_of,
)
from models.uplift.qini import qini, qini_resamples

UPPER: Final = 0.9  # quantile at the upper end of an 80 % interval


@dataclass(frozen=True)
class UpliftParameters(LearnerParameters):
    """Every parameter of the uplift family."""

    outcome_days: int = 30  # an order within so many days of the assignment counts
    folds: int = 5  # of the cross-validation
    judging_folds: int = 3  # of the backtest, each of which chooses anew
    most_chance: float = 0.05  # p-value above which a learner is not taken
    min_per_arm: int = 50  # customers whose outcome is known
    min_orders_per_arm: int = 10  # customers who ordered; with fewer the family is skipped
    max_training_rows: int = 200_000  # rows; beyond them a sample is trained on

    def __post_init__(self) -> None:
        if not 1 <= self.outcome_days <= 365:
            raise InputError(f"outcome_days is {self.outcome_days}; allowed are 1 to 365.")
        if min(self.folds, self.judging_folds) < 2:
            raise InputError(f"folds is {self.folds} and judging_folds {self.judging_folds}; at least 2 are needed.")
        if not 0 < self.most_chance < 0.5:
            raise InputError(f"most_chance is {self.most_chance}; it must lie between 0 and 0.5.")


@dataclass(frozen=True)
class Choice:
    """The method that ranks unseen customers best."""

    method: str
    qini: dict[str, float]  # method -> cross-fitted Qini
    p_values: dict[str, float]  # learner -> share of resamples in which it does not beat the response model and 0

    @property
    def reason(self) -> str:
        """One sentence for a person."""
        best = max(LEARNERS, key=self.qini.__getitem__)
        if self.method == RESPONSE_MODEL:
            return (
                f"no learner beats the response-only model beyond noise: the best, {best}, has a Qini of "
                f"{self.qini[best]:.4f} against {self.qini[RESPONSE_MODEL]:.4f}, which chance alone could explain."
            )
        return f"learner {self.method}: Qini {self.qini[self.method]:.4f} against {self.qini[RESPONSE_MODEL]:.4f}."


@dataclass(frozen=True)
class CrossFit:
    """The stages of every fold, and each customer's score by the stages fitted without them."""

    folds: tuple[dict[str, BaseLearner], ...]
    scores: dict[str, np.ndarray]  # method -> (customers,), in the method's own unit
    ranks: dict[str, np.ndarray]  # method -> (customers,), within the fold, in (0, 1]: folds differ in scale
    treated_share: float

    def score(self, method: str, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """Score of unseen customers, (customers,): the mean over the folds."""
        return np.asarray(_fold_scores(self.folds, method, features, self.treated_share, threads).mean(axis=0))


@dataclass(frozen=True)
class UpliftPrediction:
    """Per customer, (customers,): the change of P(order) by contacting, and P(order) if not contacted.

    `low` to `high` is the 80 % interval of the mean effect on customers with the same score, which is assumed to be
    linear in the score. It covers the effects of single customers in fewer than 80 % of cases.
    """

    uplift: np.ndarray
    low: np.ndarray
    high: np.ndarray
    baseline_rate: np.ndarray


@dataclass(frozen=True)
class UpliftModel:
    """The chosen method, averaged over the folds. Features (customers, features), NaN where missing."""

    choice: Choice
    folds: tuple[dict[str, BaseLearner], ...]
    treated_share: float
    calibration: UpliftCalibration
    control_rate: float  # mean outcome of the control arm

    @classmethod
    def fit(cls, experiment: ExperimentData, parameters: UpliftParameters, context: FitContext) -> Self:
        """Cross-fit every method, choose one, calibrate it."""
        crossed = cross_fit(experiment, experiment.folds(parameters.folds, context.seed), parameters, context)
        return cls._of(experiment, crossed, choose(experiment, crossed.ranks, parameters, context.seed))

    @classmethod
    def fit_baseline(cls, experiment: ExperimentData, parameters: UpliftParameters, context: FitContext) -> Self:
        """The response model, whose score is calibrated to the measured effect like a learner's."""
        crossed = cross_fit(experiment, experiment.folds(parameters.folds, context.seed), parameters, context)
        choice = choose(experiment, crossed.ranks, parameters, context.seed)
        return cls._of(experiment, crossed, replace(choice, method=RESPONSE_MODEL))

    @classmethod
    def _of(cls, experiment: ExperimentData, crossed: CrossFit, choice: Choice) -> Self:
        kept = stages_of([choice.method]) | {CONTROL_OUTCOME}
        folds = tuple({stage: fold[stage] for stage in fold if stage in kept} for fold in crossed.folds)
        score = crossed.scores[choice.method]
        calibration = UpliftCalibration.fit(score, experiment.treated, experiment.outcome, experiment.weight)
        control = experiment.subset(experiment.treated == 0)
        control_rate = float(np.average(control.outcome, weights=control.weight))
        return cls(choice, folds, crossed.treated_share, calibration, control_rate)

    def score(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """What the customers are ranked by, (customers,): the mean over the folds."""
        return np.asarray(self._fold_scores(features, threads).mean(axis=0))

    def predict(self, features: np.ndarray, threads: int = 1) -> UpliftPrediction:
        """Uplift, its interval, and the baseline rate."""
        scores = self._fold_scores(features, threads)
        score = scores.mean(axis=0)
        # Delete-a-group jackknife, as the folds share most of their rows.
        score_variance = (len(scores) - 1) * scores.var(axis=0)
        uplift = self.calibration.predict(score)
        # Student's t, as the variance is estimated from few folds.
        deviations = student_t.ppf(UPPER, len(scores) - 1)
        half = deviations * np.sqrt(self.calibration.variance(score, score_variance))
        control = [
            StagePredictions(fold, features, self.treated_share, threads).of(CONTROL_OUTCOME) for fold in self.folds
        ]
        return UpliftPrediction(uplift, uplift - half, uplift + half, np.asarray(np.mean(control, axis=0)))

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write trees as LightGBM text; everything else, with `facts` about the fit, as JSON."""
        content = {
            "chosen": self.choice.method,
            "qini": self.choice.qini,
            "p_values": self.choice.p_values,
            "folds": len(self.folds),
            "treated_share": self.treated_share,
            "calibration": self.calibration.to_json(),
            "control_rate": self.control_rate,
        }
        write_parameters(folder, facts | content, FEATURES)
        for number, fold in enumerate(self.folds):
            for stage, learner in fold.items():
                _write_stage(folder / f"{stage}-{number}", learner)

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read what `write` wrote; raises BundleRefused where the features are not those of this version."""
        stored = read_parameters(folder, FEATURES)
        stages = sorted(stages_of([stored["chosen"]]) | {CONTROL_OUTCOME})
        numbers = range(stored["folds"])
        return cls(
            choice=Choice(stored["chosen"], stored["qini"], stored["p_values"]),
            folds=tuple({stage: _read_stage(folder / f"{stage}-{number}") for stage in stages} for number in numbers),
            treated_share=stored["treated_share"],
            calibration=UpliftCalibration(**stored["calibration"]),
            control_rate=stored["control_rate"],
        )

    def _fold_scores(self, features: np.ndarray, threads: int) -> np.ndarray:
        return _fold_scores(self.folds, self.choice.method, features, self.treated_share, threads)


def cross_fit(
    experiment: ExperimentData, folds: np.ndarray, parameters: LearnerParameters, context: FitContext
) -> CrossFit:
    """Fit every method without each fold, (rows,) numbers from 0, in turn, and score that fold with it."""
    assert folds.shape == experiment.outcome.shape
    stages_by_fold = []
    scores = {method: np.empty(len(folds)) for method in SCORES}
    ranks = {method: np.empty(len(folds)) for method in SCORES}
    for number in range(int(folds.max()) + 1):
        held_out = np.flatnonzero(folds == number)
        rest = experiment.subset(folds != number)
        stages = fit_stages(rest, SCORES, parameters, replace(context, seed=context.seed + number))
        predictions = StagePredictions(stages, experiment.features[held_out], rest.treated_share, context.threads)
        for method, score in SCORES.items():
            scores[method][held_out] = score(predictions)
            ranks[method][held_out] = rankdata(scores[method][held_out]) / len(held_out)
        stages_by_fold.append(stages)
    return CrossFit(tuple(stages_by_fold), scores, ranks, experiment.treated_share)


def choose(experiment: ExperimentData, ranks: dict[str, np.ndarray], parameters: UpliftParameters, seed: int) -> Choice:
    """The learner of best cross-fitted Qini, if it beats the response model and 0 beyond noise; else that model."""
    outcome, treated, weight = experiment.outcome, experiment.treated, experiment.weight
    values = {method: qini(outcome, treated, rank, weight) or 0.0 for method, rank in ranks.items()}
    resampled = qini_resamples(outcome, treated, ranks, seed, weight)
    bar = np.fmax(resampled[RESPONSE_MODEL], 0.0)
    p_values = {learner: float(1 - np.mean(resampled[learner] > bar)) for learner in LEARNERS}
    best = max(LEARNERS, key=values.__getitem__)
    return Choice(best if p_values[best] <= parameters.most_chance else RESPONSE_MODEL, values, p_values)


def _fold_scores(
    folds: tuple[dict[str, BaseLearner], ...], method: str, features: np.ndarray, treated_share: float, threads: int
) -> np.ndarray:
    """The method's score by the stages of each fold, (folds, customers)."""
    score = SCORES[method]
    return np.array([score(StagePredictions(fold, features, treated_share, threads)) for fold in folds])


def _write_stage(path: Path, learner: BaseLearner) -> None:
    if isinstance(learner, LogisticModel):
        path.with_suffix(".json").write_text(json.dumps(learner.to_json()) + "\n", encoding="utf-8")
    else:
        path.with_suffix(".txt").write_text(learner.model_to_string(), encoding="utf-8")


def _read_stage(path: Path) -> BaseLearner:
    trees = path.with_suffix(".txt")
    if trees.is_file():
        return lgb.Booster(model_str=trees.read_text(encoding="utf-8"))
    return LogisticModel.from_json(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
