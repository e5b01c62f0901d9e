"""Repurchase: items that the user ordered before and is due to order again.

An item's interval is the median number of days between two orders of it by the same customer. It is averaged with the
customer's own mean interval, whose weight is the customer's number of repeat orders.
"""

from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import ORDER, UserHistory, UserItemAggregates
from recsys.kernels.jit import jit, read_only
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.protocol import Column, FitData

PRIOR_GAPS: Final = 2.0  # weight of the item's interval, in gaps of the customer
LEAST_GAPS: Final = 5  # of an item; with fewer, the interval of its category or of the store is used
LEAST_SHARE: Final = 0.02  # repeat orders per buyer; an item with fewer is never due
LEAST_GAP_DAYS: Final = 0.5  # orders closer together count as one
ORDER_DECAY: Final = 0.85  # of an order's weight per later order
SPREAD: Final = 0.7  # standard deviation of the logarithm of the gaps


class Purchases(NamedTuple):
    """The items that a user ordered; each array has one entry per item."""

    items: np.ndarray  # int32
    orders: np.ndarray  # float32: number of orders
    days_since: np.ndarray  # float32
    interval_days: np.ndarray  # float32; NaN for an item that is not bought repeatedly
    due: np.ndarray  # float64: from 0 to 1


class Repurchase:
    """Retrieves items that are due; `intervals` (items,) float32 in days, NaN if an item is not bought repeatedly."""

    name: ClassVar[str] = "repurchase"

    def __init__(self, intervals: np.ndarray) -> None:
        self.intervals = read_only(intervals)

    @classmethod
    def fit(cls, state: FitData) -> Self:
        return cls(item_intervals(state.interactions, state.items.category))

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (
            Column("due", limit=parameters.candidates_due, weight=0.3, is_max_normalised=False),
            Column("times_ordered", weight=0.3),
            Column("faded_orders", limit=parameters.candidates_due, weight=0.3, is_ranked=True),
            Column("order_shares"),
        )

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        if ORDER in user.kinds:
            _write(user.derived(self.purchases_of), pool, first)
            _write_decayed(user.items, user.kinds, user.ages, pool, first + 2)

    def purchases_of(self, user: UserHistory) -> Purchases:
        """The items that the user ordered. Later stages ask with `user.derived`, so that it is computed once."""
        return Purchases(*_purchases(user.items, user.kinds, user.ages, user.aggregates, self.intervals))

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        unknown = np.full(len(items) - len(self.intervals), np.nan, np.float32)
        return type(self)(np.concatenate([self.intervals, unknown]))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"repurchase_intervals": self.intervals}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(np.asarray(arrays["repurchase_intervals"]))


def item_intervals(interactions: Interactions, category: np.ndarray) -> np.ndarray:
    """(items,) float32: median days between a customer's orders of the item.

    An item with too few gaps gets the median of its category, or of the store. An item that hardly any buyer ordered
    again gets NaN.
    """
    is_order = interactions.kinds == ORDER
    rows, items, times = interactions.rows[is_order], interactions.items[is_order], interactions.times[is_order]
    order = np.lexsort((times, items, rows))
    rows, items, times = rows[order], items[order], times[order]
    same = (rows[1:] == rows[:-1]) & (items[1:] == items[:-1])
    gaps = np.diff(times) / SECONDS_PER_DAY
    is_gap = same & (gaps > LEAST_GAP_DAYS)
    gaps, of_item = gaps[is_gap], items[1:][is_gap]
    intervals = np.full(interactions.item_count, np.median(gaps) if len(gaps) else np.nan)
    groups = np.where(category >= 0, category, category.max(initial=-1) + 1)
    by_category = _medians(groups[of_item], gaps, int(groups.max(initial=0)) + 1, LEAST_GAPS)[groups]
    for found in (by_category, _medians(of_item, gaps, interactions.item_count, LEAST_GAPS)):
        intervals = np.where(np.isnan(found), intervals, found)
    buyers = np.bincount(items[np.append(True, ~same)] if len(items) else items, minlength=interactions.item_count)
    returns = np.bincount(of_item, minlength=interactions.item_count)
    return np.where(returns >= LEAST_SHARE * np.maximum(buyers, 1), intervals, np.nan).astype(np.float32)


def _medians(groups: np.ndarray, values: np.ndarray, size: int, least: int) -> np.ndarray:
    """The median of each group's values, NaN for a group of fewer than `least`."""
    order = np.lexsort((values, groups))
    counts = np.bincount(groups, minlength=size)
    starts = np.cumsum(counts) - counts
    middles = np.full(size, np.nan)
    enough = counts >= least
    middles[enough] = values[order][(starts + counts // 2)[enough]]
    return middles


@jit
def _purchases(
    items: np.ndarray, kinds: np.ndarray, ages: np.ndarray, aggregates: UserItemAggregates, intervals: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    places = np.flatnonzero(aggregates.counts[:, ORDER] > 0)
    found = aggregates.items[places]
    orders = np.zeros(len(places), np.float32)
    since = aggregates.last_order_days[places]
    interval, nearness = np.empty(len(places), np.float32), np.empty(len(places))
    for row in range(len(places)):
        first, last = 0.0, np.inf
        for entry in range(len(items)):
            if items[entry] == found[row] and kinds[entry] == ORDER and last - ages[entry] > LEAST_GAP_DAYS:
                first = ages[entry] if orders[row] == 0 else first
                last = ages[entry]
                orders[row] += 1
        gaps = orders[row] - 1
        of_item = intervals[found[row]] if found[row] < len(intervals) else np.nan
        if gaps > 0:
            own = (first - last) / gaps
            of_item = own if np.isnan(of_item) else (gaps * own + PRIOR_GAPS * of_item) / (gaps + PRIOR_GAPS)
        interval[row] = of_item
        nearness[row] = due(since[row], interval[row], orders[row])
    return found, orders, since, interval, nearness


@jit
def _write(purchases: Purchases, pool: CandidatePool, first: int) -> None:
    for row in range(len(purchases.items)):
        slot = row_of(pool, purchases.items[row])
        pool.scores[first, slot] = purchases.due[row]
        pool.scores[first + 1, slot] = purchases.orders[row]


@jit
def _write_decayed(items: np.ndarray, kinds: np.ndarray, ages: np.ndarray, pool: CandidatePool, first: int) -> None:
    """Write each item's decayed number of orders, and the sum over its orders of 1 / items in the order."""
    weight, stop = 1.0, len(items)
    while stop > 0:
        start = stop - 1
        while start > 0 and ages[start - 1] - ages[stop - 1] <= LEAST_GAP_DAYS:
            start -= 1
        size = 0
        for entry in range(start, stop):
            size += kinds[entry] == ORDER
        for entry in range(start, stop):
            if kinds[entry] == ORDER:
                slot = row_of(pool, items[entry])
                pool.scores[first, slot] += weight
                pool.scores[first + 1, slot] += 1.0 / size
        if size:
            weight *= ORDER_DECAY
        stop = start


@jit
def due(days_since: float, interval_days: float, orders: float) -> float:
    """From 0 to 1: a log-normal kernel of the days since the last order around the interval, shrunk by few orders."""
    if np.isnan(interval_days):
        return 0.0
    lateness = np.log((days_since + LEAST_GAP_DAYS) / (interval_days + LEAST_GAP_DAYS)) / SPREAD
    nearness: float = np.exp(-0.5 * lateness * lateness)
    return nearness * orders / (orders + 1)
