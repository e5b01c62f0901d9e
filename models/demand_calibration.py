"""Bands that hold what they promise: split-conformal corrections, learned on days that the model did not see.

Conformalized quantile regression (Romano, Patterson & Candès, 2019), each end on its own and each class of demand on
its own (Mondrian). It promises the ends only as far as the coming weeks resemble those it was calibrated on.

A band is widened and never narrowed: most days of most items sell nothing, so the low end is 0 and cannot be missed,
and an honest 80 % band then holds 90 % of the days or more. To narrow it until 80 % are held would cut its high end.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand_forecast import QUANTILES, DemandForecast
from models.demand_history import CLASSES

MIN_CASES: Final = 200  # a class with fewer item-days takes the correction of all items together
MAX_CORRECTION: Final = 1.0  # of the band's width: one odd month must not move a band further
TOTAL_BINS: Final = 5
MIN_TOTALS_PER_BIN: Final = 20
_TINY: Final = 1e-9


@dataclass(frozen=True)
class DemandCalibration:
    """Corrections of a forecast's band per day, and the band of the horizon's total.

    `daily` (classes, 2): what is added to the low and the high end, in widths of the band. `total_edges` (bins - 1,):
    expected sales in the horizon, in typical sales, that part the bins. `total_ratios` (bins, 2): the band of actual
    over expected total.
    """

    daily: np.ndarray
    total_edges: np.ndarray
    total_ratios: np.ndarray

    def apply(self, forecast: DemandForecast, item_class: np.ndarray) -> DemandForecast:
        """The forecast with its band corrected."""
        low, median, high = np.moveaxis(forecast.quantiles, -1, 0)
        width = high - low
        correction = self.daily[item_class][:, None, :]
        low = np.clip(low + correction[..., 0] * width, 0, median)
        high = np.maximum(high + correction[..., 1] * width, median)
        return DemandForecast(forecast.mean, np.stack([low, median, high], axis=-1))

    def total_band(self, forecast: DemandForecast, typical_sale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The low and the high end of each item's total over the horizon, (items,) each.

        The quantiles of the days must not be added up: good and bad days cancel, and a day's low end is often 0.
        """
        total = forecast.mean.sum(axis=1)
        bins = np.searchsorted(self.total_edges, total / np.maximum(typical_sale, _TINY))
        low, high = self.total_ratios[bins].T * total
        return np.minimum(low, total), np.maximum(high, total)


def calibrate(
    forecast: DemandForecast, actual: np.ndarray, item_class: np.ndarray, typical_sale: np.ndarray
) -> DemandCalibration:
    """Learn the corrections from a forecast and what then sold, (items, days)."""
    total, expected = actual.sum(axis=1), np.maximum(forecast.mean.sum(axis=1), _TINY)
    sales = expected / typical_sale
    bins = int(np.clip(len(sales) // MIN_TOTALS_PER_BIN, 1, TOTAL_BINS))
    edges = np.quantile(sales, np.arange(1, bins) / bins)
    ratio = total / expected
    member = np.searchsorted(edges, sales)
    ratios = [_conformal_ends(ratio[member == code], ratio) for code in range(bins)]
    return DemandCalibration(_daily(forecast, actual, item_class), edges, np.array(ratios))


def _daily(forecast: DemandForecast, actual: np.ndarray, item_class: np.ndarray) -> np.ndarray:
    low, high = forecast.quantiles[..., 0], forecast.quantiles[..., -1]
    width = np.maximum(high - low, _TINY)
    scores = np.stack([(actual - low) / width, (actual - high) / width])  # (2, items, days)
    levels = (QUANTILES[0], QUANTILES[-1])
    pooled = [np.quantile(score, level) for score, level in zip(scores, levels, strict=True)]
    rows = [
        [np.quantile(score[item_class == code], level) for score, level in zip(scores, levels, strict=True)]
        if scores[0, item_class == code].size >= MIN_CASES
        else pooled
        for code in range(len(CLASSES))
    ]
    return np.clip(np.array(rows), [-MAX_CORRECTION, 0.0], [0.0, MAX_CORRECTION])


def _conformal_ends(scores: np.ndarray, fallback: np.ndarray) -> tuple[float, float]:
    """The 0.1 and 0.9 quantiles with the finite-sample rank of split conformal prediction."""
    ordered = np.sort(scores if len(scores) else fallback)
    high = int(np.ceil((len(ordered) + 1) * QUANTILES[-1])) - 1
    low = int(np.floor((len(ordered) + 1) * QUANTILES[0])) - 1
    return float(ordered[max(low, 0)]), float(ordered[min(high, len(ordered) - 1)])
