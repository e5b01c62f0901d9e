"""Quantiles that hold what they promise: what the backtest found too narrow or too wide is corrected, class by class.

Each quantile's distance from the median is stretched until it held its share of the backtest's rows (split conformal,
Mondrian by class). It promises so only as far as the coming periods resemble those it was learnt on.

Where demand is often 0 the low end is 0 and cannot be missed, and the band would hold more than it says. The 0 then
belongs to the band only where it is likely enough (Sadinle, Lei & Wasserman, 2019: the smallest sets that hold their
share on average); where it is not, the low end lies just above 0. No other quantile is touched by that.
Where the low end is 0, such days may be missed as often as in the backtest: the rows where a 0 is least likely go
without it until their chances of 0 add up to that. A fixed chance would not do: chances rise and fall with the season,
and where many lie close together it would leave out a sixth of a class in one month and half of it in the next.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from models.demand.classification import ALL_ZERO, CLASSES, NEW
from models.demand.forecast import HIGH, LEVELS, LOW, MEDIAN

MIN_ROWS: Final = 400  # a class with fewer takes the corrections of all rows together
STRETCH_LIMITS: Final = (0.5, 2.0)
MOVE_LIMITS: Final = (0.7, 1.4)
JUST_ABOVE: Final = 0.01  # of a sale: a low end that leaves out 0
_TINY: Final = 1e-9


@dataclass(frozen=True)
class Corrections:
    """Of one class: `two_sided` (LEVELS,) stretches where the low quantile is above 0, `one_sided` where it is 0.

    `likely_zero` is the chance from which on a 0 belonged to the 80 % band; `missed_zeros` how many zeros were left out
    per row whose low end was 0, as their chances say, None where the class had too few rows to tell its own.
    """

    two_sided: np.ndarray
    one_sided: np.ndarray
    likely_zero: float
    missed_zeros: float | None

    def zero_limit(self, zero: np.ndarray) -> float:
        """The chance of 0 below which rows go without it, `zero` being those of the rows whose low end is 0."""
        if self.missed_zeros is None or len(zero) < MIN_ROWS:
            return self.likely_zero
        ordered = np.sort(zero)
        place = int(np.searchsorted(np.cumsum(ordered), self.missed_zeros * len(zero)))
        return float(ordered[min(place, len(zero) - 1)])


@dataclass(frozen=True)
class Calibration:
    """The corrections of each class of demand, in the order of CLASSES."""

    classes: tuple[Corrections, ...]

    def apply(
        self, quantiles: np.ndarray, median: np.ndarray, zero: np.ndarray, sale: np.ndarray, code: np.ndarray
    ) -> np.ndarray:
        """Corrected quantiles (rows, LEVELS).

        Of each row, (rows,): `median` as the methods tell it, `zero` the chance of no sale, `sale` the units in a
        period with sales, `code` the class. The rows are those of one forecast, whose chances of 0 are compared.
        """
        found = _moved(quantiles, median)
        for number, corrections in enumerate(self.classes):
            inside = code == number
            if inside.any():
                stretched = _stretched(found[inside], corrections)
                limit = corrections.zero_limit(zero[inside][_is_tied(stretched)])
                found[inside] = _without_zero(stretched, zero[inside], sale[inside], limit)
        return found


def calibrate(
    quantiles: np.ndarray, median: np.ndarray, zero: np.ndarray, units: np.ndarray, code: np.ndarray
) -> Calibration:
    """From quantiles that the rows' own `units` did not shape; the others as in `Calibration.apply`."""
    moved = _moved(quantiles, median)
    pooled = replace(_corrections(moved, zero, units), missed_zeros=None)
    found = []
    for number in range(len(CLASSES)):
        inside = code == number
        enough = inside.sum() >= MIN_ROWS
        found.append(_corrections(moved[inside], zero[inside], units[inside]) if enough else pooled)
    found[ALL_ZERO] = found[NEW]  # they are not in the backtest, and borrow as new ones do
    return Calibration(tuple(found))


def _corrections(quantiles: np.ndarray, zero: np.ndarray, units: np.ndarray) -> Corrections:
    two_sided, one_sided = np.ones(len(LEVELS)), np.ones(len(LEVELS))
    for place in range(MEDIAN):
        other = len(LEVELS) - 1 - place
        has_low = quantiles[:, place] > 0
        two_sided[[place, other]] = _stretch(quantiles[has_low], units[has_low], place, other)
        one_sided[other] = _stretch(quantiles[~has_low], units[~has_low], None, other)
    stretched = _stretched(quantiles, Corrections(two_sided, one_sided, 0.0, None))
    likely, tied = _likely_zero(stretched, zero, units), zero[_is_tied(stretched)]
    missed = float(tied[tied < likely].sum()) / len(tied) if len(tied) else None
    return Corrections(two_sided, one_sided, likely, missed)


def _is_tied(quantiles: np.ndarray) -> np.ndarray:
    """The rows whose band begins at 0, which cannot be missed."""
    found: np.ndarray = (quantiles[:, LOW] <= 0) & (quantiles[:, HIGH] > 0)
    return found


def _stretch(quantiles: np.ndarray, units: np.ndarray, low: int | None, high: int) -> float:
    """The factor that lets a band hold its share: one for both ends, as a level that drifted must not move the band.

    With `low` None, the share of all that lies below the high end.
    """
    if len(units) < MIN_ROWS:
        return 1.0
    middle = quantiles[:, MEDIAN]
    above = np.maximum(quantiles[:, high] - middle, 0)
    below = above if low is None else np.maximum(middle - quantiles[:, low], 0)
    off = units - middle
    if low is None:
        off = np.maximum(off, 0)
    distance, share = np.where(off >= 0, above, below), LEVELS[high] if low is None else LEVELS[high] - LEVELS[low]
    needed = np.where(np.abs(off) <= _TINY, 0, np.abs(off) / np.maximum(distance, _TINY))
    return float(np.clip(np.quantile(needed, share, method="higher"), *STRETCH_LIMITS))


def _stretched(quantiles: np.ndarray, corrections: Corrections) -> np.ndarray:
    """Each pair of ends by its own stretch, in order and at least 0."""
    found = quantiles.copy()
    middle = quantiles[:, MEDIAN]
    for place in range(MEDIAN):
        has_low = quantiles[:, place] > 0
        for end in (place, len(LEVELS) - 1 - place):
            factor = np.where(has_low, corrections.two_sided[end], corrections.one_sided[end])
            found[:, end] = middle + factor * (quantiles[:, end] - middle)
    return np.sort(np.maximum(found, 0), axis=1)


def _likely_zero(quantiles: np.ndarray, zero: np.ndarray, units: np.ndarray) -> float:
    """The chance of 0 below which a 0 is left out of the band, so that the band holds its share and no more."""
    low, high = quantiles[:, LOW], quantiles[:, HIGH]
    surplus = ((units >= low) & (units <= high)).mean() - (LEVELS[HIGH] - LEVELS[LOW])
    if surplus <= 0:
        return 0.0
    order = np.argsort(zero, kind="stable")
    is_held_zero = (units == 0) & (low <= 0)
    left_out = np.cumsum(is_held_zero[order]) / len(units)
    place = int(np.searchsorted(left_out, surplus))
    return float(zero[order][min(place, len(order) - 1)])


def _without_zero(quantiles: np.ndarray, zero: np.ndarray, sale: np.ndarray, likely: float) -> np.ndarray:
    """The low end, and what must not lie below it, just above 0 where a 0 is not likely enough."""
    lowest = np.where((zero < likely) & (quantiles[:, HIGH] > 0), JUST_ABOVE * sale, 0)
    found = quantiles.copy()
    found[:, LOW:] = np.maximum(found[:, LOW:], lowest[:, None])
    return found


def _moved(quantiles: np.ndarray, median: np.ndarray) -> np.ndarray:
    """All quantiles in proportion, so that theirs of 0.5 becomes the methods' own median; within limits."""
    middle = quantiles[:, MEDIAN]
    wanted = np.where(middle > 0, median / np.maximum(middle, _TINY), 1)
    found: np.ndarray = quantiles * np.clip(wanted, *MOVE_LIMITS)[:, None]
    return found
