"""Conformal calibration: quantiles that held too little or too much in the backtest are corrected, class by class.

Each quantile's distance from the median is scaled so that it covers its nominal share of the backtest's rows (split
conformal, Mondrian by class). This holds only as far as the coming periods resemble those of the backtest.

Where demand is often 0, the low end is 0, no demand is below it, and the band holds more than its share. A 0 then
belongs to the band only where it is probable enough (Sadinle, Lei & Wasserman, 2019: the smallest sets that hold their
share on average); elsewhere the low end lies just above 0. No other quantile changes.

Rows whose low end is 0 have a budget: the zeros left out per row in the backtest. The rows with the least probable
zeros leave them out until their probabilities add up to the budget. A fixed threshold would not do, since
probabilities of 0 change with the season: it would leave out a sixth of a class in one month and half in the next.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.demand.classification import ALL_ZERO, CLASSES, NEW
from models.demand.forecast import HIGH, LOW, MEDIAN, QUANTILE_LEVELS

MIN_ROWS: Final = 400  # a class with fewer is calibrated on all rows together
SCALE_LIMITS: Final = (0.5, 2.0)
MEDIAN_RATIO_LIMITS: Final = (0.7, 1.4)
ABOVE_ZERO: Final = 0.01  # of a demand size: a low end that leaves out 0
CONFORMAL: Final = "conformal"  # parts of the engine: the scale factors,
RECENTRING: Final = "recentring"  # the median of the methods instead of the forest's,
ZERO_RULE: Final = "zero_rule"  # and the zeros that are left out
_TINY: Final = 1e-9


@dataclass(frozen=True)
class ClassCalibration:
    """One class: scale factors `two_sided` where the low quantile is above 0, `one_sided` where it is 0.

    `zero_threshold` is the probability from which a 0 belongs to the 80 % band. `zero_budget` is the expected number of
    zeros left out per row whose low end is 0; None where the class had too few rows.
    """

    two_sided: np.ndarray
    one_sided: np.ndarray
    zero_threshold: float
    zero_budget: float | None

    def zero_cutoff(self, zero_probability: np.ndarray) -> float:
        """The probability below which a 0 is left out; `zero_probability` are those of the rows whose low end is 0."""
        if self.zero_budget is None or len(zero_probability) < MIN_ROWS:
            return self.zero_threshold
        ordered = np.sort(zero_probability)
        index = int(np.searchsorted(np.cumsum(ordered), self.zero_budget * len(zero_probability)))
        return float(ordered[min(index, len(zero_probability) - 1)])


@dataclass(frozen=True)
class ConformalCalibration:
    """The calibration of each class of demand, in the order of CLASSES."""

    classes: tuple[ClassCalibration, ...]
    is_recentred: bool = True

    def apply(
        self,
        quantiles: np.ndarray,
        median: np.ndarray,
        zero_probability: np.ndarray,
        demand_size: np.ndarray,
        code: np.ndarray,
    ) -> np.ndarray:
        """Corrected quantiles (rows, QUANTILE_LEVELS).

        (rows,) each: `median` of the methods, `zero_probability`, `demand_size` the units in a period with sales, and
        `code` the class. The rows are those of one forecast: the budget of zeros is spent over all of them.
        """
        found = _recentred(quantiles, median) if self.is_recentred else quantiles.copy()
        for number, calibration in enumerate(self.classes):
            inside = code == number
            if inside.any():
                scaled = _scaled(found[inside], calibration)
                limit = calibration.zero_cutoff(zero_probability[inside][_starts_at_zero(scaled)])
                found[inside] = _without_zero(scaled, zero_probability[inside], demand_size[inside], limit)
        return found


def calibrate(
    quantiles: np.ndarray,
    median: np.ndarray,
    zero_probability: np.ndarray,
    units: np.ndarray,
    code: np.ndarray,
    parts: Collection[str],
) -> ConformalCalibration:
    """Calibrate quantiles that are out of fold; the other arguments as in `ConformalCalibration.apply`."""
    is_recentred = RECENTRING in parts
    recentred = _recentred(quantiles, median) if is_recentred else quantiles
    pooled = replace(_fit_class(recentred, zero_probability, units, parts), zero_budget=None)
    found = []
    for number in range(len(CLASSES)):
        inside = code == number
        enough = inside.sum() >= MIN_ROWS
        found.append(
            _fit_class(recentred[inside], zero_probability[inside], units[inside], parts) if enough else pooled
        )
    found[ALL_ZERO] = found[NEW]  # all_zero is not in the backtest; its series use the calibration of new ones
    return ConformalCalibration(tuple(found), is_recentred)


def _fit_class(
    quantiles: np.ndarray, zero_probability: np.ndarray, units: np.ndarray, parts: Collection[str]
) -> ClassCalibration:
    two_sided, one_sided = np.ones(len(QUANTILE_LEVELS)), np.ones(len(QUANTILE_LEVELS))
    for index in range(MEDIAN) if CONFORMAL in parts else ():
        other = len(QUANTILE_LEVELS) - 1 - index
        has_low = quantiles[:, index] > 0
        two_sided[[index, other]] = _scale_factor(quantiles[has_low], units[has_low], index, other)
        one_sided[other] = _scale_factor(quantiles[~has_low], units[~has_low], None, other)
    if ZERO_RULE not in parts:
        return ClassCalibration(two_sided, one_sided, 0.0, None)
    scaled = _scaled(quantiles, ClassCalibration(two_sided, one_sided, 0.0, None))
    threshold, at_zero = _zero_threshold(scaled, zero_probability, units), zero_probability[_starts_at_zero(scaled)]
    budget = float(at_zero[at_zero < threshold].sum()) / len(at_zero) if len(at_zero) else None
    return ClassCalibration(two_sided, one_sided, threshold, budget)


def _starts_at_zero(quantiles: np.ndarray) -> np.ndarray:
    """The rows whose band begins at 0; no demand is below it."""
    return (quantiles[:, LOW] <= 0) & (quantiles[:, HIGH] > 0)


def _scale_factor(quantiles: np.ndarray, units: np.ndarray, low: int | None, high: int) -> float:
    """The factor with which a band holds its share; one for both ends, so that a drift of the level does not move it.

    With `low` None, the share is that of all rows below the high end.
    """
    if len(units) < MIN_ROWS:
        return 1.0
    middle = quantiles[:, MEDIAN]
    above = np.maximum(quantiles[:, high] - middle, 0)
    below = above if low is None else np.maximum(middle - quantiles[:, low], 0)
    off = units - middle
    if low is None:
        off = np.maximum(off, 0)
    distance = np.where(off >= 0, above, below)
    share = QUANTILE_LEVELS[high] if low is None else QUANTILE_LEVELS[high] - QUANTILE_LEVELS[low]
    needed = np.where(np.abs(off) <= _TINY, 0, np.abs(off) / np.maximum(distance, _TINY))
    return float(np.clip(np.quantile(needed, share, method="higher"), *SCALE_LIMITS))


def _scaled(quantiles: np.ndarray, calibration: ClassCalibration) -> np.ndarray:
    """Each pair of ends by its own factor, in order and at least 0."""
    found = quantiles.copy()
    middle = quantiles[:, MEDIAN]
    for index in range(MEDIAN):
        has_low = quantiles[:, index] > 0
        for end in (index, len(QUANTILE_LEVELS) - 1 - index):
            factor = np.where(has_low, calibration.two_sided[end], calibration.one_sided[end])
            found[:, end] = middle + factor * (quantiles[:, end] - middle)
    return np.sort(np.maximum(found, 0), axis=1)


def _zero_threshold(quantiles: np.ndarray, zero_probability: np.ndarray, units: np.ndarray) -> float:
    """The probability below which a 0 is left out of the band, so that the band holds its share and no more."""
    low, high = quantiles[:, LOW], quantiles[:, HIGH]
    surplus = ((units >= low) & (units <= high)).mean() - (QUANTILE_LEVELS[HIGH] - QUANTILE_LEVELS[LOW])
    if surplus <= 0:
        return 0.0
    order = np.argsort(zero_probability, kind="stable")
    is_held_zero = (units == 0) & (low <= 0)
    left_out = np.cumsum(is_held_zero[order]) / len(units)
    index = int(np.searchsorted(left_out, surplus))
    return float(zero_probability[order][min(index, len(order) - 1)])


def _without_zero(
    quantiles: np.ndarray, zero_probability: np.ndarray, demand_size: np.ndarray, threshold: float
) -> np.ndarray:
    """The low end and all quantiles above it, moved just above 0 where a 0 is not probable enough."""
    lowest = np.where((zero_probability < threshold) & (quantiles[:, HIGH] > 0), ABOVE_ZERO * demand_size, 0)
    found = quantiles.copy()
    found[:, LOW:] = np.maximum(found[:, LOW:], lowest[:, None])
    return found


def _recentred(quantiles: np.ndarray, median: np.ndarray) -> np.ndarray:
    """All quantiles in proportion, so that the median becomes that of the methods, within limits."""
    middle = quantiles[:, MEDIAN]
    wanted = np.where(middle > 0, median / np.maximum(middle, _TINY), 1)
    return quantiles * np.clip(wanted, *MEDIAN_RATIO_LIMITS)[:, None]
