"""Nested evaluation of uplift: choice of the learner included, on customers who had no part in it.

The cross-fitted Qini by which a learner is chosen is too high for the one chosen. Here each part of the customers is
scored by a model that was fitted, and whose learner was chosen, on the other parts.
"""

from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from scipy.stats import rankdata

from models.protocol import FitContext
from models.statistics.paired_bootstrap import PairedCases
from models.uplift.experiment import ExperimentData
from models.uplift.meta_learners import RESPONSE_MODEL
from models.uplift.model import Choice, UpliftParameters, choose, cross_fit
from models.uplift.qini import qini, qini_resamples, resampled_qini, uplift_at

OURS: Final = "ours"
INTERVAL: Final = (10, 90)  # per cent


@dataclass(frozen=True)
class UpliftEvaluation:
    """Ranks of unseen customers by ours and by the response model, (customers,), and what was chosen for each part."""

    experiment: ExperimentData
    ranks: dict[str, np.ndarray]
    choices: tuple[Choice, ...]

    def metrics(self, method: str) -> dict[str, float | None]:
        """Qini, and the uplift among the 30 % ranked highest."""
        experiment, rank = self.experiment, self.ranks[method]
        return {
            "qini": qini(experiment.outcome, experiment.treated, rank, experiment.weight),
            "uplift_at_30": uplift_at(experiment.outcome, experiment.treated, rank),
        }

    @property
    def paired(self) -> PairedCases:
        """Ours and the response model on the same rows; a customer may have several."""
        experiment = self.experiment
        metric = partial(resampled_qini, experiment.outcome, experiment.treated, experiment.weight)
        return PairedCases(experiment.customers, self.ranks[OURS], self.ranks[RESPONSE_MODEL], metric)

    def significance(self, seed: int) -> dict[str, float | None]:
        """The 80 % interval of our Qini, and its p-value against the response model's and 0, by bootstrap."""
        experiment = self.experiment
        resampled = qini_resamples(experiment.outcome, experiment.treated, self.ranks, seed, experiment.weight)
        low, high = np.nanpercentile(resampled[OURS], INTERVAL)
        return {
            "qini_low": float(low),
            "qini_high": float(high),
            "chance_no_better": float(1 - np.mean(resampled[OURS] > np.fmax(resampled[RESPONSE_MODEL], 0))),
        }


def evaluate(experiment: ExperimentData, parameters: UpliftParameters, context: FitContext) -> UpliftEvaluation:
    """Score each of `judging_folds` parts of the customers with models fitted on the other parts."""
    parts = experiment.folds(parameters.judging_folds, context.seed)
    folds = experiment.folds(parameters.folds, context.seed + 1)
    ranks = {method: np.empty(len(parts)) for method in (OURS, RESPONSE_MODEL)}
    choices = []
    for number in range(int(parts.max()) + 1):
        held_out = np.flatnonzero(parts == number)
        rest = experiment.subset(parts != number)
        crossed = cross_fit(rest, folds[parts != number], parameters, context)
        choice = choose(rest, crossed.ranks, parameters, context.seed)
        for method, scored_by in ((OURS, choice.method), (RESPONSE_MODEL, RESPONSE_MODEL)):
            score = crossed.score(scored_by, experiment.features[held_out], context.threads)
            ranks[method][held_out] = rankdata(score) / len(held_out)
        choices.append(choice)
    return UpliftEvaluation(experiment, ranks, tuple(choices))
