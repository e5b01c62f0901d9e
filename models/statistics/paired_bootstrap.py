"""Paired bootstrap: the interval of the difference between a model and its baseline on the same cases.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993). Whole units are resampled, since the cases of one
customer or item depend on one another. The model and the baseline see the same resamples, so that what is hard for both
cancels. The percentile interval is too narrow in few units. It is expanded by Student's t (Hesterberg, "What teachers
should know about the bootstrap", The American Statistician 2015).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student_t

COVERAGE: Final = 0.95
RESAMPLES: Final = 1000
MIN_DEFINED_SHARE: Final = 0.9  # of the resamples on which the metric exists
BLOCK: Final = 4_000_000  # numbers in memory at one time

# (values (cases,), times (resamples, cases)) -> the metric (resamples,), where case i counts times[:, i] times.
ResampledMetric = Callable[[np.ndarray, np.ndarray], np.ndarray]


def resampled_mean(values: np.ndarray, times: np.ndarray) -> np.ndarray:
    """The mean of each resample, (resamples,); see `ResampledMetric`."""
    return np.asarray((times @ values) / times.sum(axis=1))


@dataclass(frozen=True)
class PairedCases:
    """What a model and its baseline did on the same cases.

    `ours` and `baseline` (cases,) are losses, gains or predictions, from which `metric` computes the compared metric.
    `unit` (cases,) int says which independent unit (customer, item, series) each case belongs to.
    """

    unit: np.ndarray
    ours: np.ndarray
    baseline: np.ndarray
    metric: ResampledMetric = resampled_mean

    def __post_init__(self) -> None:
        assert self.unit.shape == self.ours.shape[:1] == self.baseline.shape[:1]

    @classmethod
    def of_own_units(
        cls, ours: np.ndarray, baseline: np.ndarray, metric: ResampledMetric = resampled_mean
    ) -> "PairedCases":
        """Cases that are independent of one another."""
        return cls(np.arange(len(ours)), ours, baseline, metric)

    @property
    def units(self) -> int:
        return len(np.unique(self.unit))


@dataclass(frozen=True)
class Difference:
    """Ours less the baseline's, and the ends of its 95 % interval."""

    value: float
    low: float
    high: float


def difference(cases: PairedCases, seed: int, resamples: int = RESAMPLES) -> Difference | None:
    """The difference of the metric with its interval; None with fewer than two units or an undefined metric."""
    _, unit = np.unique(cases.unit, return_inverse=True)
    units = int(unit.max()) + 1 if len(unit) else 0
    if units < 2:
        return None
    value = float(_differences(cases, np.ones((1, len(unit))))[0])
    random = np.random.default_rng(seed)
    size = max(1, min(resamples, BLOCK // max(len(unit), 1)))
    drawn = []
    for start in range(0, resamples, size):
        draws = random.integers(0, units, (min(size, resamples - start), units))
        times = np.stack([np.bincount(draw, minlength=units) for draw in draws])
        drawn.append(_differences(cases, times[:, unit].astype(np.float64)))
    found = np.concatenate(drawn)
    found = found[~np.isnan(found)]
    if np.isnan(value) or len(found) < MIN_DEFINED_SHARE * resamples:
        return None
    low, high = np.quantile(found, _tails(units))
    return Difference(value, float(low), float(high))


def _differences(cases: PairedCases, times: np.ndarray) -> np.ndarray:
    return cases.metric(cases.ours, times) - cases.metric(cases.baseline, times)


def _tails(units: int) -> tuple[float, float]:
    """The quantiles of the resamples that end the interval."""
    deviations = float(student_t.ppf((1 + COVERAGE) / 2, units - 1)) * np.sqrt(units / (units - 1))
    tail = float(norm.cdf(-deviations))
    return tail, 1 - tail
