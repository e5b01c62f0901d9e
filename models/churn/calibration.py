"""From churn scores to probabilities with intervals: one-time buyers by a calibration of their own where enough are.

How steep the probability rises with the score is learned on a snapshot later than the score's model saw; its level is
that of all snapshots, the recent ones above all, as one season alone misleads. The interval adds up, in log-odds, how
far the level has moved between snapshots, what so few cases leave open, and how far the two models disagree.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import norm

from models.statistics.calibration import PlattCalibration

STEEPEST: Final = 1.25  # that much of a later snapshot's slope is believed
GROUP_MIN_CASES: Final = 200
GROUP_MIN_OUTCOMES: Final = 20  # of either kind
INTERVAL: Final = 0.8
WIDTH: Final = float(norm.ppf((1 + INTERVAL) / 2))
DISAGREEMENT: Final = 0.5  # of half the distance between the two models' log-odds
USUAL_DRIFT: Final = 0.25  # log-odds; from one horizon to the next, seasons move a store's level about so far
PRIOR_INFORMATION: Final = 1.0  # as much as a handful of cases
LEVEL_BOUND: Final = 12.0  # log-odds


@dataclass(frozen=True)
class ScoredCases:
    """Cases with the average score, half the models' disagreement and the outcome, each (cases,)."""

    score: np.ndarray
    disagreement: np.ndarray
    is_one_time: np.ndarray
    outcome: np.ndarray
    weight: np.ndarray
    snapshot: np.ndarray  # number of the snapshot that a case is of

    def only(self, chosen: np.ndarray) -> "ScoredCases":
        """The cases where `chosen` (cases,) is true."""
        return ScoredCases(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


@dataclass(frozen=True)
class ChurnCalibration:
    """Probability = expit(slope * score + intercept), apart for returning customers and for one-time buyers."""

    returning: PlattCalibration
    one_time: PlattCalibration
    centre: float  # score about which the slope is uncertain
    drift: float  # standard deviation of the level between snapshots, log-odds
    covariance: tuple[tuple[float, float], tuple[float, float]]  # of slope and level

    @classmethod
    def fit(cls, later: ScoredCases, everything: ScoredCases) -> Self:
        """`later` is scored by models that did not see it, `everything` by the final ones; both outcomes must occur."""
        shared = _slope(later)
        centre = float(np.average(everything.score, weights=everything.weight))
        groups = []
        for is_one_time in (False, True):
            own, own_later = everything.only(everything.is_one_time == is_one_time), later.is_one_time == is_one_time
            apart = _is_enough(later.only(own_later)) and _is_enough(own)
            slope = _slope(later.only(own_later)) if apart else shared
            groups.append(_levelled(slope, own if apart else everything))
        returning, one_time = groups
        return cls(returning, one_time, centre, _drift(later, everything, shared), _covariance(later, shared, centre))

    def probability(self, score: np.ndarray, is_one_time: np.ndarray) -> np.ndarray:
        """Probabilities (cases,)."""
        probability: np.ndarray = expit(self._log_odds(score, is_one_time))
        return probability

    def interval(
        self, score: np.ndarray, disagreement: np.ndarray, is_one_time: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Between which probabilities that of customers like these lies in 80 % of cases: (low, high), (cases,)."""
        away = np.column_stack([score - self.centre, np.ones(len(score))])
        sampling = np.einsum("ij,jk,ik->i", away, np.array(self.covariance), away)
        spread = np.sqrt(self.drift**2 + sampling + (DISAGREEMENT * disagreement) ** 2)
        log_odds = self._log_odds(score, is_one_time)
        return expit(log_odds - WIDTH * spread), expit(log_odds + WIDTH * spread)

    def to_json(self) -> dict[str, Any]:
        groups = {"returning": self.returning.to_json(), "one_time": self.one_time.to_json()}
        return groups | {"centre": self.centre, "drift": self.drift, "covariance": self.covariance}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """What `to_json` gave."""
        returning, one_time = (
            PlattCalibration(stored[group]["slope"], stored[group]["intercept"]) for group in ("returning", "one_time")
        )
        (a, b), (c, d) = stored["covariance"]
        return cls(returning, one_time, stored["centre"], stored["drift"], ((a, b), (c, d)))

    def _log_odds(self, score: np.ndarray, is_one_time: np.ndarray) -> np.ndarray:
        slope = np.where(is_one_time, self.one_time.slope, self.returning.slope)
        intercept = np.where(is_one_time, self.one_time.intercept, self.returning.intercept)
        log_odds: np.ndarray = slope * score + intercept
        return log_odds


def level_shift(log_odds: np.ndarray, outcome: np.ndarray, weight: np.ndarray | None = None) -> float:
    """By how much all log-odds must move for the mean probability to be the mean outcome."""
    happened = float(np.average(outcome, weights=weight))

    def excess(shift: float) -> float:
        return float(np.average(expit(log_odds + shift), weights=weight)) - happened

    if excess(-LEVEL_BOUND) >= 0 or excess(LEVEL_BOUND) <= 0:
        return 0.0
    return float(brentq(excess, -LEVEL_BOUND, LEVEL_BOUND))


def _slope(later: ScoredCases) -> float:
    return float(np.clip(PlattCalibration.fit(later.score, later.outcome).slope, 0.0, STEEPEST))


def _is_enough(cases: ScoredCases) -> bool:
    happened = int(cases.outcome.sum())
    rarer = min(happened, len(cases.outcome) - happened)
    return len(cases.outcome) >= GROUP_MIN_CASES and rarer >= GROUP_MIN_OUTCOMES


def _levelled(slope: float, cases: ScoredCases) -> PlattCalibration:
    return PlattCalibration(slope, level_shift(slope * cases.score, cases.outcome, cases.weight))


def _drift(later: ScoredCases, everything: ScoredCases, slope: float) -> float:
    """How far a snapshot's level lies from what the others let expect, less what chance explains."""
    log_odds = slope * everything.score
    log_odds = log_odds + level_shift(log_odds, everything.outcome, everything.weight)
    moves, chance = [], []
    for number in np.unique(everything.snapshot):
        of_it = everything.snapshot == number
        moves.append(level_shift(log_odds[of_it], everything.outcome[of_it]))
        chance.append(1 / max(_information(log_odds[of_it]), PRIOR_INFORMATION))
    seen = max(float(np.mean(np.square(moves)) - np.mean(chance)), 0.0)
    missed = max(level_shift(later.score, later.outcome) ** 2 - 1 / max(_information(later.score), 1.0), 0.0)
    # The snapshots judge a level fitted to themselves, the later one a level that did not know it. They overlap, and
    # are few: they can show that a store moves more than stores usually do, but not that it moves less.
    return max(float(np.sqrt((2 * seen + missed) / 3)), USUAL_DRIFT)


def _information(log_odds: np.ndarray) -> float:
    probability = expit(log_odds)
    return float((probability * (1 - probability)).sum())


def _covariance(later: ScoredCases, slope: float, centre: float) -> tuple[tuple[float, float], tuple[float, float]]:
    """Of slope and level, from the information of the later snapshot's cases."""
    log_odds = slope * later.score
    probability = expit(log_odds + level_shift(log_odds, later.outcome))
    weight = probability * (1 - probability)
    away = np.column_stack([later.score - centre, np.ones(len(later.score))])
    inverse = np.linalg.inv((away * weight[:, None]).T @ away + PRIOR_INFORMATION * np.eye(2))
    (a, b), (c, d) = inverse.tolist()
    return (a, b), (c, d)
