"""From churn scores to probabilities with intervals; one-time buyers have their own calibration where there are enough.

The slope comes from a snapshot that the scoring model has not seen. The intercept comes from all snapshots, the recent
ones with more weight, since one season alone would mislead. The interval adds three variances of the log-odds: between
snapshots, of estimation from few cases, and of the ensemble (the distance between the two models).
"""

from dataclasses import asdict, dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.special import expit
from scipy.stats import norm

from models.statistics.calibration import PlattCalibration, mean_calibration_offset

MAX_SLOPE: Final = 1.25  # a steeper slope of one snapshot is not trusted
MIN_SLOPE: Final = 0.05  # keeps the ranking where one snapshot shows none: all customers then have nearly one risk
GROUP_MIN_CASES: Final = 200
GROUP_MIN_OUTCOMES: Final = 20  # of either kind
INTERVAL: Final = 0.8
Z_SCORE: Final = float(norm.ppf((1 + INTERVAL) / 2))
SPREAD_WEIGHT: Final = 0.5  # of the ensemble spread
MIN_SNAPSHOT_STD: Final = 0.25  # log-odds; the usual effect of seasons on the mean risk from one horizon to the next
PRIOR_INFORMATION: Final = 1.0  # as much as a handful of cases


@dataclass(frozen=True)
class ScoredCases:
    """Cases with their mean score, ensemble spread and outcome, each (cases,)."""

    score: np.ndarray
    spread: np.ndarray  # half the distance between the two models' log-odds
    is_one_time: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray
    snapshot: np.ndarray  # the number of the case's snapshot

    def subset(self, chosen: np.ndarray) -> "ScoredCases":
        """The cases where `chosen` (cases,) is true."""
        return ScoredCases(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class ChurnCalibration:
    """Probability = expit(slope * score + intercept), separately for returning customers and for one-time buyers."""

    returning: PlattCalibration
    one_time: PlattCalibration
    centre: float  # mean score; the uncertainty of the slope grows with the distance from it
    snapshot_std: float  # between-snapshot standard deviation of the intercept, log-odds
    covariance: tuple[tuple[float, float], tuple[float, float]]  # of slope and intercept

    @classmethod
    def fit(cls, later: ScoredCases, everything: ScoredCases) -> Self:
        """`later` has scores of models that did not see it, `everything` of the final ones. Both need both outcomes."""
        shared = _slope(later)
        centre = float(np.average(everything.score, weights=everything.weight))
        groups = []
        for is_one_time in (False, True):
            own = everything.subset(everything.is_one_time == is_one_time)
            own_later = later.subset(later.is_one_time == is_one_time)
            is_separate = _is_enough(own_later) and _is_enough(own)
            slope = _slope(own_later) if is_separate else shared
            groups.append(_with_intercept(slope, own if is_separate else everything))
        returning, one_time = groups
        snapshot_std = _snapshot_std(later, everything, shared)
        return cls(returning, one_time, centre, snapshot_std, _covariance(later, shared, centre))

    def probability(self, score: np.ndarray, is_one_time: np.ndarray) -> np.ndarray:
        """Probabilities (cases,)."""
        return np.asarray(expit(self._log_odds(score, is_one_time)))

    def interval(self, score: np.ndarray, spread: np.ndarray, is_one_time: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The 80 % interval of the probability of customers with these scores: (low, high), each (cases,)."""
        design = np.column_stack([score - self.centre, np.ones(len(score))])
        sampling = np.einsum("ij,jk,ik->i", design, np.array(self.covariance), design)
        std = np.sqrt(self.snapshot_std**2 + sampling + (SPREAD_WEIGHT * spread) ** 2)
        log_odds = self._log_odds(score, is_one_time)
        return expit(log_odds - Z_SCORE * std), expit(log_odds + Z_SCORE * std)

    def to_json(self) -> dict[str, Any]:
        groups = {"returning": asdict(self.returning), "one_time": asdict(self.one_time)}
        return groups | {"centre": self.centre, "snapshot_std": self.snapshot_std, "covariance": self.covariance}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        returning, one_time = (PlattCalibration(**stored[group]) for group in ("returning", "one_time"))
        (a, b), (c, d) = stored["covariance"]
        return cls(returning, one_time, stored["centre"], stored["snapshot_std"], ((a, b), (c, d)))

    def _log_odds(self, score: np.ndarray, is_one_time: np.ndarray) -> np.ndarray:
        slope = np.where(is_one_time, self.one_time.slope, self.returning.slope)
        intercept = np.where(is_one_time, self.one_time.intercept, self.returning.intercept)
        return np.asarray(slope * score + intercept)


def _slope(later: ScoredCases) -> float:
    return float(np.clip(PlattCalibration.fit(later.score, later.outcome).slope, MIN_SLOPE, MAX_SLOPE))


def _is_enough(cases: ScoredCases) -> bool:
    churned = int(cases.outcome.sum())
    rarer = min(churned, len(cases.outcome) - churned)
    return len(cases.outcome) >= GROUP_MIN_CASES and rarer >= GROUP_MIN_OUTCOMES


def _with_intercept(slope: float, cases: ScoredCases) -> PlattCalibration:
    return PlattCalibration(slope, mean_calibration_offset(slope * cases.score, cases.outcome, cases.weight))


def _snapshot_std(later: ScoredCases, everything: ScoredCases, slope: float) -> float:
    """Standard deviation of the snapshots' intercepts around the common one, less the part that is due to chance."""
    log_odds = slope * everything.score
    log_odds = log_odds + mean_calibration_offset(log_odds, everything.outcome, everything.weight)
    offsets, chance = [], []
    for number in np.unique(everything.snapshot):
        rows = everything.snapshot == number
        offsets.append(mean_calibration_offset(log_odds[rows], everything.outcome[rows]))
        chance.append(1 / max(_information(log_odds[rows]), PRIOR_INFORMATION))
    within = max(float(np.mean(np.square(offsets)) - np.mean(chance)), 0.0)
    unseen = max(
        mean_calibration_offset(later.score, later.outcome) ** 2 - 1 / max(_information(later.score), 1.0), 0.0
    )
    # `within` is relative to an intercept fitted to the same snapshots, `unseen` to one that did not know the snapshot.
    # The snapshots overlap and are few: they can raise the usual value, but not lower it.
    return max(float(np.sqrt((2 * within + unseen) / 3)), MIN_SNAPSHOT_STD)


def _information(log_odds: np.ndarray) -> float:
    probability = expit(log_odds)
    return float((probability * (1 - probability)).sum())


def _covariance(later: ScoredCases, slope: float, centre: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of slope and intercept, from the Fisher information of the later snapshot's cases."""
    log_odds = slope * later.score
    probability = expit(log_odds + mean_calibration_offset(log_odds, later.outcome))
    weight = probability * (1 - probability)
    design = np.column_stack([later.score - centre, np.ones(len(later.score))])
    inverse = np.linalg.inv((design * weight[:, None]).T @ design + PRIOR_INFORMATION * np.eye(2))
    (a, b), (c, d) = inverse.tolist()
    return (a, b), (c, d)
