"""The textbook's safety stock, the baseline: the mean demand of the protected time plus z·σ·√time.

The usual ways to find mean and σ from the same past: both of all past demand; the mean of the last weeks with σ of the
demand; the mean of the last weeks, a moving average, with σ of its errors one step ahead. And one that few use and that
is harder to beat where sales have a rhythm: σ of the moving average's errors over the whole protected time, without √.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

PAST_DEMAND: Final = "mean_and_sigma_of_all_demand"
DEMAND_SPREAD: Final = "sigma_of_demand"
ONE_STEP_ERRORS: Final = "sigma_of_one_step_errors"
TOTAL_ERRORS: Final = "sigma_of_total_errors"
USUAL: Final = (PAST_DEMAND, DEMAND_SPREAD, ONE_STEP_ERRORS)


@dataclass(frozen=True)
class NormalDemand:
    """The demand of a stretch of time taken as normal: its mean and its standard deviation, (items,) each."""

    mean: np.ndarray
    sigma: np.ndarray

    def quantile(self, level: np.ndarray | float) -> np.ndarray:
        """Mean + z·σ, never below 0, (items,)."""
        return np.maximum(self.mean + ndtri(level) * self.sigma, 0)


def safety_stock_demand(
    units: np.ndarray, is_known: np.ndarray, periods: int, spread: str, window: int
) -> NormalDemand:
    """The demand of the next `periods` as the textbook takes it, from (series, past periods) `units` that `is_known`.

    The mean is that of the known ones among the last `window` periods, or of all for PAST_DEMAND; `spread` is one of
    SPREADS. A series not seen is taken to sell nothing.
    """
    seen = np.where(is_known, units, np.nan).astype(np.float64)
    mean = _moving_means(seen, seen.shape[1] if spread == PAST_DEMAND else window)[:, -1] * periods
    return NormalDemand(np.nan_to_num(mean), SPREADS[spread](seen, periods, window))


def _of_demand(seen: np.ndarray, periods: int, window: int) -> np.ndarray:
    sigma: np.ndarray = _deviation(seen) * np.sqrt(periods)
    return sigma


def _of_one_step_errors(seen: np.ndarray, periods: int, window: int) -> np.ndarray:
    sigma: np.ndarray = _root_mean_square(seen - _moving_means(seen, window)[:, :-1]) * np.sqrt(periods)
    return sigma


def _of_total_errors(seen: np.ndarray, periods: int, window: int) -> np.ndarray:
    """Of totals over every stretch of the past that is wholly known, against the moving average before it."""
    stretches = seen.shape[1] - periods + 1
    if stretches < 2:
        return _of_one_step_errors(seen, periods, window)
    totals = _sums(seen, periods)
    return _root_mean_square(totals - periods * _moving_means(seen, window)[:, :stretches])


SPREADS: Final[dict[str, Callable[[np.ndarray, int, int], np.ndarray]]] = {
    PAST_DEMAND: _of_demand,
    DEMAND_SPREAD: _of_demand,
    ONE_STEP_ERRORS: _of_one_step_errors,
    TOTAL_ERRORS: _of_total_errors,
}


def _moving_means(seen: np.ndarray, window: int) -> np.ndarray:
    """The mean of the known values among the last `window` before each period and the one after the last; NaN of none.

    (series, periods + 1)
    """
    counts, sums = ~np.isnan(seen), np.nan_to_num(seen)
    totals = [
        np.pad(np.cumsum(values, axis=1, dtype=np.float64), ((0, 0), (window + 1, 0))) for values in (sums, counts)
    ]
    total, count = (values[:, window:] - values[:, :-window] for values in totals)
    with np.errstate(invalid="ignore"):
        means: np.ndarray = np.where(count > 0, total / count, np.nan)
    return means


def _sums(seen: np.ndarray, periods: int) -> np.ndarray:
    """The sum from each period over `periods`, NaN where one of them is not known; (series, past - periods + 1)."""
    totals = np.pad(np.cumsum(np.nan_to_num(seen), axis=1), ((0, 0), (1, 0)))
    unknown = np.pad(np.cumsum(np.isnan(seen), axis=1), ((0, 0), (1, 0)))
    whole = unknown[:, periods:] == unknown[:, :-periods]
    return np.where(whole, totals[:, periods:] - totals[:, :-periods], np.nan)


def _deviation(seen: np.ndarray) -> np.ndarray:
    count = np.maximum((~np.isnan(seen)).sum(axis=1), 1)
    mean = np.nansum(seen, axis=1) / count
    return _root_mean_square(seen - mean[:, None])


def _root_mean_square(errors: np.ndarray) -> np.ndarray:
    count = (~np.isnan(errors)).sum(axis=1)
    root: np.ndarray = np.sqrt(np.nansum(np.square(errors), axis=1) / np.maximum(count, 1))
    return root
