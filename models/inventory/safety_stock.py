"""Normal safety stock, the baseline: mean demand of lead time + review period, plus z·σ·√time.

TEXTBOOK_METHODS estimate mean and σ from the same past: both from all past demand; the mean of the last weeks with σ
of the demand; the mean of the last weeks (a moving average) with σ of its one-step errors. A fourth method, rare in
practice, is harder to beat where sales are seasonal: σ of the moving average's errors over the whole time, without
√.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import ndtri

PAST_DEMAND: Final = "mean_and_sigma_of_all_demand"
DEMAND_DEVIATION: Final = "sigma_of_demand"
ONE_STEP_ERRORS: Final = "sigma_of_one_step_errors"
TOTAL_ERRORS: Final = "sigma_of_total_errors"
TEXTBOOK_METHODS: Final = (PAST_DEMAND, DEMAND_DEVIATION, ONE_STEP_ERRORS)


@dataclass(frozen=True)
class NormalDemand:
    """Total demand of a period, assumed normal: its mean and its standard deviation, (items,) each."""

    mean: np.ndarray
    sigma: np.ndarray

    def quantile(self, level: np.ndarray | float) -> np.ndarray:
        """Mean + z·σ, never below 0, (items,)."""
        return np.maximum(self.mean + ndtri(level) * self.sigma, 0)


def safety_stock_demand(
    units: np.ndarray, is_known: np.ndarray, periods: int, method: str, window: int
) -> NormalDemand:
    """Normal demand of the next `periods`, from (series, past periods) `units` where `is_known`.

    The mean is over the known ones of the last `window` periods, or over all for PAST_DEMAND; `method` is one of
    DEVIATIONS. A series without a known period is assumed to sell nothing.
    """
    seen = np.where(is_known, units, np.nan).astype(np.float64)
    mean = _moving_means(seen, seen.shape[1] if method == PAST_DEMAND else window)[:, -1] * periods
    return NormalDemand(np.nan_to_num(mean), DEVIATIONS[method](seen, periods, window))


def _of_demand(seen: np.ndarray, periods: int, window: int) -> np.ndarray:
    return _deviation(seen) * np.sqrt(periods)


def _of_one_step_errors(seen: np.ndarray, periods: int, window: int) -> np.ndarray:
    return _root_mean_square(seen - _moving_means(seen, window)[:, :-1]) * np.sqrt(periods)


def _of_total_errors(seen: np.ndarray, periods: int, window: int) -> np.ndarray:
    """Errors of the totals over every fully known window of the past, against the moving average before it."""
    windows = seen.shape[1] - periods + 1
    if windows < 2:
        return _of_one_step_errors(seen, periods, window)
    totals = _sums(seen, periods)
    return _root_mean_square(totals - periods * _moving_means(seen, window)[:, :windows])


DEVIATIONS: Final[dict[str, Callable[[np.ndarray, int, int], np.ndarray]]] = {
    PAST_DEMAND: _of_demand,
    DEMAND_DEVIATION: _of_demand,
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
    """The sum over `periods` from each period on, NaN where one of them is unknown; (series, past - periods + 1)."""
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
    return np.sqrt(np.nansum(np.square(errors), axis=1) / np.maximum(count, 1))
