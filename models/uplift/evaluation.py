"""Judgement of uplift: the whole way, choice of the learner included, on customers who had no part in it.

The cross-fitted Qini by which a learner is chosen flatters the one chosen. Here each part of the customers is scored by
a model that was grown, and whose learner was chosen, on the other parts.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import rankdata

from models.uplift.meta_learners import RESPONSE, Trial
from models.uplift.model import Choice, UpliftParameters, choose, cross_fit
from models.uplift.qini import qini, qini_resamples, uplift_at

OURS: Final = "ours"
INTERVAL: Final = (10, 90)  # per cent


@dataclass(frozen=True)
class UpliftJudgement:
    """Ranks of unseen customers by ours and by response-only, (customers,), and what was chosen for each part."""

    trial: Trial
    ranks: dict[str, np.ndarray]
    choices: tuple[Choice, ...]

    def metrics(self, method: str) -> dict[str, float | None]:
        """Qini, and the uplift among the 30 % ranked highest."""
        trial, rank = self.trial, self.ranks[method]
        return {
            "qini": qini(trial.outcome, trial.treated, rank, trial.weight),
            "uplift_at_30": uplift_at(trial.outcome, trial.treated, rank),
        }

    def doubt(self, seed: int) -> dict[str, float | None]:
        """The 80 % interval of our Qini, and the chance that it is no better than response-only's, or than 0."""
        trial = self.trial
        drawn = qini_resamples(trial.outcome, trial.treated, self.ranks, seed, trial.weight)
        low, high = np.nanpercentile(drawn[OURS], INTERVAL)
        return {
            "qini_low": float(low),
            "qini_high": float(high),
            "chance_no_better": float(1 - np.mean(drawn[OURS] > np.fmax(drawn[RESPONSE], 0))),
        }


def judged(
    trial: Trial, parts: np.ndarray, folds: np.ndarray, parameters: UpliftParameters, seed: int, threads: int = 1
) -> UpliftJudgement:
    """Score each part (customers,) by what the others teach; `folds` (customers,) are those of the cross-fitting."""
    ranks = {method: np.empty(len(parts)) for method in (OURS, RESPONSE)}
    choices = []
    for number in range(int(parts.max()) + 1):
        left_out = np.flatnonzero(parts == number)
        seen = trial.taken(parts != number)
        crossed = cross_fit(seen, folds[parts != number], parameters, seed, threads)
        choice = choose(seen, crossed.ranks, parameters, seed)
        for method, scored_by in ((OURS, choice.chosen), (RESPONSE, RESPONSE)):
            score = crossed.scored(scored_by, trial.features[left_out], threads).mean(axis=0)
            ranks[method][left_out] = rankdata(score) / len(left_out)
        choices.append(choice)
    return UpliftJudgement(trial, ranks, tuple(choices))
