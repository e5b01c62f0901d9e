"""The rows that the demand model learns from: (item, origin, step), with what was known when the origin's day began.

All that speaks of units is divided by the item's own level, so that an item that sells ten times as much in the same
pattern has the same features, and a forecast ten times as large.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.demand_history import DemandHistory, first_sale_day
from models.demand_past import WEEK, YEAR_DAYS, ItemsPast, StorePast

BLOCK_ITEMS: Final = 2048  # bounds memory: running sums and rows exist for this many items at a time
YEARLY_FROM_DAYS: Final = 400  # before a year repeats, its position only tells the training days apart

_MEAN_DAYS: Final = (7, 14, 28, 56, 91, 182, 364)
_RATE_DAYS: Final = (28, 91, 364)
_WEEKS: Final = (1, 4, 8, 26)
FEATURES: Final = (
    *("step", "weekday", "year_sin", "year_cos", "age_days", "days_since_sale"),
    *(f"units_{days}d" for days in _MEAN_DAYS),
    *(f"selling_days_{days}d" for days in _RATE_DAYS),
    *(f"same_weekday_{weeks}w" for weeks in _WEEKS),
    *("size_cv2", "last_year", "price_log", "price_change"),
    *("store_weekday", "store_trend_7d", "store_trend_28d", "store_last_year", "category_trend_28d"),
    "category",
)


@dataclass(frozen=True)
class Rows:
    """Rows of one block of items, all arrays of one length."""

    features: np.ndarray  # (rows, features) float32, in the order of FEATURES
    item: np.ndarray
    target_day: np.ndarray
    level: np.ndarray  # units per day, as known at the origin; above 0
    sale: np.ndarray  # units on a day with sales, on average, as known at the origin


def training_rows(
    history: DemandHistory, horizon_days: int, span_days: int, max_rows: int, seed: int
) -> Iterator[Rows]:
    """About `max_rows` of all rows with an origin in the last `span_days` and a target day that is known.

    A hash of item and origin draws them, so that the same history always gives the same rows.
    """
    origins = np.arange(max(history.days - span_days, WEEK), history.days)
    first = first_sale_day(history.units)
    population = np.clip(history.days - np.maximum(first + 1, max(history.days - span_days, WEEK)), 0, None).sum()
    share = min(1.0, max_rows / max(int(population), 1))
    store = StorePast(history)
    for block in _blocks(len(first)):
        item = np.arange(block.start, block.stop)[:, None]
        hashes = _hash(item, origins[None, :], seed)
        is_drawn = ((hashes & np.uint64(0xFFFFFFFF)) <= np.uint64(share * 0xFFFFFFFF)) & (origins > first[item])
        index, column = np.nonzero(is_drawn)
        origin = origins[column]
        # Other bits of the hash choose the step, among those whose day is known.
        known_days = np.minimum(horizon_days, history.days - origin)
        step = 1 + (hashes[index, column] >> np.uint64(32)).astype(np.int64) % known_days
        yield _rows(history, block, store, index, origin, step)


def forecast_rows(history: DemandHistory, horizon_days: int) -> Iterator[Rows]:
    """Every item and step after the history's last day, by item, then step."""
    store = StorePast(history)
    for block in _blocks(len(history.units)):
        item = np.repeat(np.arange(block.stop - block.start), horizon_days)
        step = np.tile(np.arange(1, horizon_days + 1), block.stop - block.start)
        yield _rows(history, block, store, item, np.full(len(item), history.days), step)


def _rows(
    history: DemandHistory, block: slice, store: StorePast, item: np.ndarray, origin: np.ndarray, step: np.ndarray
) -> Rows:
    past = ItemsPast(history, block)
    level = past.level(item, origin)
    columns = [
        *_calendar(history, origin, step),
        np.minimum(past.age(item, origin), YEAR_DAYS),
        np.minimum(past.days_since_sale(item, origin), YEAR_DAYS),
        *(past.mean(item, origin, days) / level for days in _MEAN_DAYS),
        *(past.selling_share(item, origin, days) for days in _RATE_DAYS),
        *(past.same_weekday(item, origin, step, weeks) / level for weeks in _WEEKS),
        past.sale_cv2(item, origin),
        past.last_year(item, origin, step) / level,
        *past.prices(item, origin),
        *store.trends(origin, step),
        store.category_trend(past.category[item], origin),
        past.category[item] + 1,
    ]
    features = np.column_stack(columns).astype(np.float32)
    assert features.shape == (len(item), len(FEATURES))
    return Rows(features, item + block.start, origin + step - 1, level, past.sale(item, origin))


def _calendar(history: DemandHistory, origin: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, ...]:
    date = history.first_day + (origin + step - 1).astype("timedelta64[D]")
    day_of_year = (date - date.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)
    angle = 2 * np.pi * day_of_year / 365.25 * (history.days >= YEARLY_FROM_DAYS)
    weekday = (date.astype(np.int64) + 3) % WEEK  # 1 January 1970 was a Thursday; Monday is 0
    return step, weekday, np.sin(angle), np.cos(angle)


def _blocks(items: int) -> Iterator[slice]:
    for start in range(0, items, BLOCK_ITEMS):
        yield slice(start, min(start + BLOCK_ITEMS, items))


def _hash(item: np.ndarray, origin: np.ndarray, seed: int) -> np.ndarray:
    """The 64-bit finalizer of splitmix64 over item, origin and seed."""
    state = item.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    state = state ^ (origin.astype(np.uint64) + np.uint64(seed)) * np.uint64(0xC2B2AE3D27D4EB4F)
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return state ^ (state >> np.uint64(31))
