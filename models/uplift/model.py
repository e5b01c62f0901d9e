"""Uplift: whom contacting changes, learned where a randomised holdout was left alone.

Learners are cross-fitted: each customer is scored by what has not seen them. The learner whose scores have the
best Qini is chosen, but only where it beats the response-only model, which asks merely who will order, beyond noise;
otherwise the answer is "response", and nobody's uplift is told apart from the average's. The model kept is the mean
over the folds' parts; how far the folds disagree is part of the interval.

Breaks where who was contacted was not drawn at random: then nothing tells the effect from the choice.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import lightgbm as lgb
import numpy as np
from scipy.stats import rankdata
from scipy.stats import t as student_t

from models.statistics.logistic_regression import LogisticModel
from models.uplift.calibration import UpliftCalibration
from models.uplift.meta_learners import (
    HELD_OUT,
    LEARNERS,
    RESPONSE,
    SCORES,
    LearnerParameters,
    Part,
    Scorer,
    Trial,
    fit_parts,
    roles_of,
)
from models.uplift.qini import qini, qini_resamples

PARAMETERS_FILE: Final = "parameters.json"
UPPER: Final = 0.9  # quantile at the upper end of an 80 % interval


@dataclass(frozen=True)
class UpliftParameters(LearnerParameters):
    """Every parameter of the uplift family."""

    outcome_days: int = 30  # an order within so many days of the assignment counts
    folds: int = 5
    judging_folds: int = 3  # of the backtest, each of which chooses anew
    most_chance: float = 0.05  # that the chosen learner is no better than response-only, or than chance
    min_per_arm: int = 50  # customers whose outcome is known
    min_orders_per_arm: int = 10
    max_training_rows: int = 200_000

    def __post_init__(self) -> None:
        if not 1 <= self.outcome_days <= 365:
            raise ValueError(f"outcome_days is {self.outcome_days}; allowed are 1 to 365.")
        if min(self.folds, self.judging_folds) < 2:
            raise ValueError(f"folds is {self.folds} and judging_folds {self.judging_folds}; at least 2 are needed.")
        if not 0 < self.most_chance < 0.5:
            raise ValueError(f"most_chance is {self.most_chance}; it must lie between 0 and 0.5.")


@dataclass(frozen=True)
class Choice:
    """Which method ranks best on customers that it has not seen."""

    chosen: str
    qini: dict[str, float]  # method -> cross-fitted Qini
    chance_no_better: dict[str, float]  # learner -> share of resamples where it beats response-only or chance not

    @property
    def words(self) -> str:
        """One sentence for a person."""
        best = max(LEARNERS, key=self.qini.__getitem__)
        if self.chosen == RESPONSE:
            return (
                f"no learner beats the response-only model beyond noise: the best, {best}, has a Qini of "
                f"{self.qini[best]:.4f} against {self.qini[RESPONSE]:.4f}, which chance alone could explain."
            )
        return f"learner {self.chosen}: Qini {self.qini[self.chosen]:.4f} against {self.qini[RESPONSE]:.4f}."


@dataclass(frozen=True)
class CrossFit:
    """The parts of every fold, and each customer's score by those that have not seen them."""

    folds: tuple[dict[str, Part], ...]
    scores: dict[str, np.ndarray]  # method -> (customers,), in the method's own unit
    ranks: dict[str, np.ndarray]  # method -> (customers,), within the fold, in (0, 1]: folds differ in scale
    treated_share: float

    def scored(self, method: str, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """Score of unseen customers by each fold's parts, (folds, customers)."""
        return _scored(self.folds, method, features, self.treated_share, threads)


@dataclass(frozen=True)
class UpliftModel:
    """The chosen method: the mean over the folds' parts. Features (customers, features), NaN where missing."""

    choice: Choice
    folds: tuple[dict[str, Part], ...]
    treated_share: float
    calibration: UpliftCalibration
    order_rate: float  # of who was held out

    @classmethod
    def fit(cls, trial: Trial, folds: np.ndarray, parameters: UpliftParameters, seed: int, threads: int = 1) -> Self:
        """Cross-fit every learner over `folds` (customers,), numbers from 0; choose; calibrate."""
        crossed = cross_fit(trial, folds, parameters, seed, threads)
        choice = choose(trial, crossed.ranks, parameters, seed)
        kept = roles_of([choice.chosen]) | {HELD_OUT}
        parts = tuple({role: part for role, part in fold.items() if role in kept} for fold in crossed.folds)
        score = crossed.scores[choice.chosen]
        calibration = UpliftCalibration.fit(score, trial.treated, trial.outcome, trial.weight)
        held_out = trial.treated == 0
        order_rate = float(np.average(trial.outcome[held_out], weights=trial.weight[held_out]))
        return cls(choice, parts, crossed.treated_share, calibration, order_rate)

    def score(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """What the customers are ranked by, (customers,): the mean over the folds' parts."""
        score: np.ndarray = self._scores(features, threads).mean(axis=0)
        return score

    def uplift(self, features: np.ndarray, threads: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Change of P(order) by contacting, and its 80 % interval: uplift, low, high, each (customers,).

        The interval is of the mean effect on customers with such a score, not of one person's whim, and takes the
        effect to rise in a straight line with the score. Of single customers' effects it covers fewer than 80 %.
        """
        scores = self._scores(features, threads)
        score = scores.mean(axis=0)
        # Delete-a-group jackknife: the folds share most of their rows.
        score_variance = (len(scores) - 1) * scores.var(axis=0)
        uplift = self.calibration.uplift(score)
        # Student's t, as a variance seen through few folds may be too small.
        deviations = student_t.ppf(UPPER, len(scores) - 1)
        half = deviations * np.sqrt(self.calibration.variance(score, score_variance))
        return uplift, uplift - half, uplift + half

    def orders_anyway(self, features: np.ndarray, threads: int = 1) -> np.ndarray:
        """P(order) of who is not contacted, (customers,)."""
        each = [Scorer(fold, features, self.treated_share, threads).predicted(HELD_OUT) for fold in self.folds]
        mean: np.ndarray = np.mean(each, axis=0)
        return mean

    def write(self, folder: Path, facts: dict[str, Any]) -> None:
        """Write trees as LightGBM text, and everything else, with `facts` about the fit, as JSON."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, fold in enumerate(self.folds):
            for role, part in fold.items():
                _write_part(folder / f"{role}-{number}", part)
        content = facts | {
            "chosen": self.choice.chosen,
            "qini": self.choice.qini,
            "chance_no_better": self.choice.chance_no_better,
            "folds": len(self.folds),
            "treated_share": self.treated_share,
            "calibration": self.calibration.to_json(),
            "order_rate": self.order_rate,
        }
        (folder / PARAMETERS_FILE).write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """What `write` wrote."""
        stored = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
        roles = sorted(roles_of([stored["chosen"]]) | {HELD_OUT})
        numbers = range(stored["folds"])
        return cls(
            choice=Choice(stored["chosen"], stored["qini"], stored["chance_no_better"]),
            folds=tuple({role: _read_part(folder / f"{role}-{number}") for role in roles} for number in numbers),
            treated_share=stored["treated_share"],
            calibration=UpliftCalibration(**stored["calibration"]),
            order_rate=stored["order_rate"],
        )

    def _scores(self, features: np.ndarray, threads: int) -> np.ndarray:
        """The chosen method's score by each fold's parts, (folds, customers)."""
        return _scored(self.folds, self.choice.chosen, features, self.treated_share, threads)


def deal_folds(trial: Trial, count: int, seed: int) -> np.ndarray:
    """A fold number per customer, (customers,): each fold has its share of either arm and of either outcome."""
    order = np.random.default_rng(seed).permutation(len(trial.treated))
    stratum = (2 * trial.treated + trial.outcome)[order]
    folds = np.empty(len(order), np.int64)
    folds[order[np.argsort(stratum, kind="stable")]] = np.arange(len(order)) % count
    return folds


def cross_fit(trial: Trial, folds: np.ndarray, parameters: UpliftParameters, seed: int, threads: int = 1) -> CrossFit:
    """Fit every method without each fold in turn, and score that fold with it."""
    assert folds.shape == trial.outcome.shape
    every = []
    scores = {method: np.empty(len(folds)) for method in SCORES}
    ranks = {method: np.empty(len(folds)) for method in SCORES}
    for number in range(int(folds.max()) + 1):
        left_out = np.flatnonzero(folds == number)
        seen = trial.taken(folds != number)
        parts = fit_parts(seen, SCORES, parameters, seed + number, threads)
        scorer = Scorer(parts, trial.features[left_out], seen.treated_share, threads)
        for method, score in SCORES.items():
            scores[method][left_out] = score(scorer)
            ranks[method][left_out] = rankdata(scores[method][left_out]) / len(left_out)
        every.append(parts)
    return CrossFit(tuple(every), scores, ranks, trial.treated_share)


def choose(trial: Trial, ranks: dict[str, np.ndarray], parameters: UpliftParameters, seed: int) -> Choice:
    """The learner of best cross-fitted Qini, where it beats response-only and chance beyond noise; else response."""
    values = {method: qini(trial.outcome, trial.treated, rank, trial.weight) or 0.0 for method, rank in ranks.items()}
    drawn = qini_resamples(trial.outcome, trial.treated, ranks, seed, trial.weight)
    bar = np.fmax(drawn[RESPONSE], 0.0)
    chance = {learner: float(1 - np.mean(drawn[learner] > bar)) for learner in LEARNERS}
    best = max(LEARNERS, key=values.__getitem__)
    return Choice(best if chance[best] <= parameters.most_chance else RESPONSE, values, chance)


def _scored(
    folds: tuple[dict[str, Part], ...], method: str, features: np.ndarray, treated_share: float, threads: int
) -> np.ndarray:
    score = SCORES[method]
    return np.array([score(Scorer(fold, features, treated_share, threads)) for fold in folds])


def _write_part(path: Path, part: Part) -> None:
    if isinstance(part, LogisticModel):
        path.with_suffix(".json").write_text(json.dumps(part.to_json()) + "\n", encoding="utf-8")
    else:
        path.with_suffix(".txt").write_text(part.model_to_string(), encoding="utf-8")


def _read_part(path: Path) -> Part:
    trees = path.with_suffix(".txt")
    if trees.is_file():
        return lgb.Booster(model_str=trees.read_text(encoding="utf-8"))
    return LogisticModel.from_json(json.loads(path.with_suffix(".json").read_text(encoding="utf-8")))
