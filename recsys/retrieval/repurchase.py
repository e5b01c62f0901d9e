"""Repurchase: when a customer will want again what they bought before, by their own interval and the item's.

An item's interval is the median number of days between two orders of it by the same customer. A customer who ordered it
several times has an interval of their own, which counts the more the more often it was seen.
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

PRIOR_GAPS: Final = 2.0  # how many of a customer's own gaps the item's interval is worth
LEAST_GAPS: Final = 5  # of an item, below which its category's interval, then the store's, is taken
LEAST_SHARE: Final = 0.02  # of an item's buyers who came back for it, below which it is never due again
LEAST_GAP_DAYS: Final = 0.5  # two orders of one day are one purchase
ORDER_FADE: Final = 0.85  # of an order's weight with each order after it
SPREAD: Final = 0.7  # of the logarithm of gaps: how sharply an item is due at its interval


class Purchases(NamedTuple):
    """What a user ordered before; each array has one entry per item."""

    items: np.ndarray  # int32
    orders: np.ndarray  # float32: on how many days
    days_since: np.ndarray  # float32
    interval_days: np.ndarray  # float32; NaN where the item is not bought again


class Repurchase:
    """Proposes what is due; `intervals` (items,) float32 are days, NaN where an item is not bought again."""

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

    @staticmethod
    def pointwise_features() -> tuple[str, ...]:
        return ()

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        if ORDER in user.kinds:
            _write(self.purchases(user), pool, first)
            _write_faded(user.items, user.kinds, user.ages, pool, first + 2)

    def score_candidates(self, user: UserHistory, candidates: np.ndarray, out: np.ndarray) -> None:
        """Says nothing of items that the user has not ordered."""

    def purchases(self, user: UserHistory) -> Purchases:
        """What the user ordered, with the interval after which each item is wanted again."""
        return user.derived(self._purchases_of)

    def _purchases_of(self, user: UserHistory) -> Purchases:
        arrays = _purchases(user.items, user.kinds, user.ages, user.aggregates, self.intervals)
        return Purchases(*arrays)

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        unknown = np.full(len(items) - len(self.intervals), np.nan, np.float32)
        return type(self)(np.concatenate([self.intervals, unknown]))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {"repurchase_intervals": self.intervals}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(np.asarray(arrays["repurchase_intervals"]))


def item_intervals(interactions: Interactions, category: np.ndarray) -> np.ndarray:
    """(items,) float32: median days between orders of an item by one customer, else its category's, else the store's.

    NaN where hardly any buyer came back for it.
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
    """The median of each group's values, NaN where it has fewer than `least`."""
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
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    places = np.flatnonzero(aggregates.counts[:, ORDER] > 0)
    found = aggregates.items[places]
    orders = np.zeros(len(places), np.float32)
    since = aggregates.last_order_days[places]
    interval = np.empty(len(places), np.float32)
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
    return found, orders, since, interval


@jit
def _write(purchases: Purchases, pool: CandidatePool, first: int) -> None:
    for row in range(len(purchases.items)):
        slot = row_of(pool, purchases.items[row])
        pool.scores[first, slot] = due(purchases.days_since[row], purchases.interval_days[row], purchases.orders[row])
        pool.scores[first + 1, slot] = purchases.orders[row]


@jit
def _write_faded(items: np.ndarray, kinds: np.ndarray, ages: np.ndarray, pool: CandidatePool, first: int) -> None:
    """The item's orders, each one fading with those after it; and its share of each order's items, summed."""
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
            weight *= ORDER_FADE
        stop = start


@jit
def due(days_since: float, interval_days: float, orders: float) -> float:
    """From 0 to 1: how near the moment is at which the item is wanted again, and how sure that it ever is."""
    if np.isnan(interval_days):
        return 0.0
    lateness = np.log((days_since + LEAST_GAP_DAYS) / (interval_days + LEAST_GAP_DAYS)) / SPREAD
    nearness: float = np.exp(-0.5 * lateness * lateness)
    return nearness * orders / (orders + 1)
