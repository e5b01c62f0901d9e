"""Censored demand: days on which an item was out of stock, as the shop reported or as improbable zeros show.

Demand on such days is not observed. A model that took them for days without demand would order too little of the items
that run out.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

NEAR_DAYS: Final = 91  # before and after a run of zeros: they give the item's rate around it
FEWEST_SALES: Final = 8  # days with sales on each side; with fewer, nothing is inferred
LONGEST_OPEN_DAYS: Final = 14
YEAR_DAYS: Final = 365.0
_HIGHEST_SHARE: Final = 0.98
_HIGHEST_FACTOR: Final = 3.0


@dataclass(frozen=True)
class ZeroRuns:
    """Runs of days without a sale, one entry each: the item, its first day, and the day after its last."""

    item: np.ndarray
    first: np.ndarray
    stop: np.ndarray


def inferred_stock_outs(
    units: np.ndarray, since: np.ndarray, stock: np.ndarray, false_alarms_per_item_year: float
) -> np.ndarray:
    """Where runs of zeros are too long for chance, (items, days) bool.

    `units` (items, days); `since` (items,) the first day of each item's sale; `stock` (items,) the last reported stock,
    NaN for none. A run that has not ended and is longer than LONGEST_OPEN_DAYS is taken for the end of the item, unless
    the reported stock is 0. Where there is stock, a run that has not ended is neither.

    An item has no sale on a day with probability exp(-rate x factor). The factor is the store's sales that day over the
    usual, so that closing days and holidays count little. The rate is the lower of those of the NEAR_DAYS before and
    after the run. A run is improbable if independent days would show one as long fewer than
    `false_alarms_per_item_year` times a year.
    """
    is_sold = units > 0
    day = np.arange(units.shape[1])
    is_on_sale = day >= since[:, None]
    factor = store_factor(is_sold, is_on_sale)
    runs = _runs(is_sold, since)
    sold_before, exposure_before = _sales_around(is_sold, factor, since, runs, runs.first - NEAR_DAYS, runs.first)
    sold_after, exposure_after = _sales_around(is_sold, factor, since, runs, runs.stop, runs.stop + NEAR_DAYS)
    rate = _rate(sold_before, exposure_before)
    is_open = runs.stop == units.shape[1]
    rate = np.where(is_open, rate, np.minimum(rate, _rate(sold_after, exposure_after)))
    total = np.concatenate([[0.0], np.cumsum(factor)])
    expected_runs = YEAR_DAYS * -np.expm1(-rate) * np.exp(-rate * (total[runs.stop] - total[runs.first]))
    reported = stock[runs.item]
    may_be_open = (reported == 0) | (np.isnan(reported) & (runs.stop - runs.first <= LONGEST_OPEN_DAYS))
    is_proven = (sold_before >= FEWEST_SALES) & np.where(is_open, may_be_open, sold_after >= FEWEST_SALES)
    return _marked(runs, is_proven & (expected_runs <= false_alarms_per_item_year), units.shape)


def store_factor(is_sold: np.ndarray, is_on_sale: np.ndarray) -> np.ndarray:
    """How many of the items on sale sold on each day, relative to the NEAR_DAYS around it, (days,)."""
    share = is_sold.sum(axis=0) / np.maximum(is_on_sale.sum(axis=0), 1)
    width = min(NEAR_DAYS, len(share))
    kernel = np.ones(width)
    usual = np.convolve(share, kernel, "same") / np.convolve(np.ones_like(share), kernel, "same")
    return np.clip(share / np.maximum(usual, 1e-9), 0.0, _HIGHEST_FACTOR)


def reported_stock_outs(stock: np.ndarray, reported_on: np.ndarray, units: np.ndarray) -> np.ndarray:
    """The days since the last report of no stock, if nothing sold since, (items, days) bool.

    `stock` (items,) is NaN where not reported; `reported_on` (items,) the day number of the report, possibly after the
    last day.
    """
    days = units.shape[1]
    last_sale = np.where((units > 0).any(axis=1), days - 1 - (units > 0)[:, ::-1].argmax(axis=1), -1)
    is_since = np.arange(days) >= np.maximum(reported_on, last_sale + 1)[:, None]
    return is_since & (stock == 0)[:, None]


def _runs(is_sold: np.ndarray, since: np.ndarray) -> ZeroRuns:
    """All runs of zeros between an item's first sale and the last day."""
    is_zero = ~is_sold & (np.arange(is_sold.shape[1]) >= since[:, None])
    edge = np.diff(np.pad(is_zero, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    item, first = np.nonzero(edge == 1)
    return ZeroRuns(item, first, np.nonzero(edge == -1)[1])


def _sales_around(
    is_sold: np.ndarray, factor: np.ndarray, since: np.ndarray, runs: ZeroRuns, first: np.ndarray, stop: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Days with sales between `first` and `stop`, and the store's factors of these days added up."""
    days = is_sold.shape[1]
    sold = np.pad(np.cumsum(is_sold, axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    total = np.concatenate([[0.0], np.cumsum(factor)])
    low = np.clip(first, np.minimum(since[runs.item], days), days)
    high = np.maximum(np.minimum(stop, days), low)
    return sold[runs.item, high] - sold[runs.item, low], total[high] - total[low]


def _rate(sold: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    share = np.minimum(sold / (exposure + 1), _HIGHEST_SHARE)
    return -np.log1p(-share)


def _marked(runs: ZeroRuns, chosen: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    edges = np.zeros((shape[0], shape[1] + 1), dtype=np.int8)
    np.add.at(edges, (runs.item[chosen], runs.first[chosen]), 1)
    np.add.at(edges, (runs.item[chosen], runs.stop[chosen]), -1)
    return np.cumsum(edges[:, :-1], axis=1, dtype=np.int8) > 0
