"""Sales as arrays by series and day; and the items that are forecast, with categories, reported stock and prices."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from pipelines.features.demand import channel_demand, daily_demand
from pipelines.features.kpis import NO_CHANNEL
from pipelines.features.prices import daily_prices
from pipelines.features.stock import reported_stock

MAX_CHANNELS: Final = 12  # beyond it, the channels that sell least are merged into one
OTHER_CHANNELS: Final = "other"


@dataclass(frozen=True)
class Span:
    """The days of a panel and those ahead of it; both are whole periods."""

    first: np.datetime64
    days: int
    ahead_days: int

    @property
    def end(self) -> np.datetime64:
        """The first day ahead of the panel."""
        return self.date(self.days)

    @property
    def width(self) -> int:
        return self.days + self.ahead_days

    def date(self, day: int) -> np.datetime64:
        """The date of a day counted from the first."""
        return self.first + np.timedelta64(day, "D")


@dataclass(frozen=True)
class Sales:
    """One row per day and series that sold; `item` and `channel` are codes, and a series is one code of both.

    `item_ids` is sorted. Without channels there is one, with an empty name.
    """

    item: np.ndarray
    channel: np.ndarray
    date: np.ndarray  # datetime64[D]
    units: np.ndarray
    price: np.ndarray  # NaN where none is known
    item_ids: np.ndarray
    channels: tuple[str, ...]

    @property
    def series(self) -> np.ndarray:
        """The code of each row's series: of its item and, within that, of its channel."""
        return self.item * len(self.channels) + self.channel

    def item_of(self, series: np.ndarray) -> np.ndarray:
        """The items' codes of series' codes."""
        return series // len(self.channels)

    def channel_of(self, series: np.ndarray) -> np.ndarray:
        """The channels' codes of series' codes."""
        return series % len(self.channels)

    def active(self, since: np.datetime64, end: np.datetime64) -> np.ndarray:
        """The series that sold from `since` on and before `end`, sorted codes."""
        return np.unique(self.series[(self.date >= since) & (self.date < end)])

    def daily(self, rows: np.ndarray, wanted: np.ndarray, span: Span) -> np.ndarray:
        """Units (wanted, days of `span`) float32, where `rows` are the codes of these rows, and `wanted` is sorted."""
        index, day = _indices(wanted, rows), (self.date - span.first).astype(np.int64)
        is_inside = (index >= 0) & (day >= 0) & (day < span.days)
        cells = index[is_inside] * span.days + day[is_inside]
        units = np.bincount(cells, weights=self.units[is_inside], minlength=len(wanted) * span.days)
        return units.reshape(len(wanted), span.days).astype(np.float32)

    def first_day(self, rows: np.ndarray, wanted: np.ndarray, span: Span) -> np.ndarray:
        """The day of `span` on which each wanted code first sold, 0 for those that did before, (wanted,)."""
        index = _indices(wanted, rows)
        first = np.full(len(wanted), np.iinfo(np.int64).max)
        np.minimum.at(first, index[index >= 0], (self.date - span.first).astype(np.int64)[index >= 0])
        return np.asarray(np.maximum(first, 0))

    def mean_price(self, items: np.ndarray) -> np.ndarray:
        """The mean price per unit of each item, (items,) float32; NaN where no price is known."""
        index = _indices(items, self.item)
        is_priced = (index >= 0) & ~np.isnan(self.price)
        weights = self.units[is_priced]
        value = np.bincount(index[is_priced], weights * self.price[is_priced], len(items))
        units = np.bincount(index[is_priced], weights, len(items))
        mean: np.ndarray = np.divide(value, units, out=np.full(len(items), np.nan), where=units > 0)
        return mean.astype(np.float32)


@dataclass(frozen=True)
class Assortment:
    """The items that are forecast: sorted ids, and the name of each one's category, blank for none."""

    item_ids: np.ndarray
    categories: np.ndarray

    def stock(self, catalogue: ibis.Table, as_of: datetime, span: Span) -> tuple[np.ndarray, np.ndarray]:
        """The last reported stock of each item, NaN for none, and the day of `span` of the report, (items,) each."""
        reported = reported_stock(catalogue, as_of).to_pyarrow()
        item = self._indices(reported[c.ITEM_ID])
        dates = reported[c.UPDATED_AT].cast(pa.timestamp("us")).to_numpy().astype("datetime64[D]")
        stock, day = np.full(len(self.item_ids), np.nan), np.full(len(self.item_ids), span.days)
        stock[item[item >= 0]] = reported[c.STOCK].to_numpy()[item >= 0]
        day[item[item >= 0]] = np.maximum((dates - span.first).astype(np.int64), 0)[item >= 0]
        return stock, day

    def prices(self, events: ibis.Table, as_of: datetime, span: Span) -> np.ndarray:
        """The price of each item on each day of `span`, (items, days); NaN where none is known."""
        stated = daily_prices(events, as_of).to_pyarrow()
        item = self._indices(stated[c.ITEM_ID])
        day = (stated[c.DATE].to_numpy().astype("datetime64[D]") - span.first).astype(np.int64)
        is_inside = (item >= 0) & (day >= 0) & (day < span.days)
        prices = np.full((len(self.item_ids), span.days), np.nan)
        prices[item[is_inside], day[is_inside]] = stated[c.PRICE].to_numpy()[is_inside]
        return prices

    def _indices(self, item_ids: pa.ChunkedArray) -> np.ndarray:
        """The index of each id among the items; -1 where it is not one of them."""
        indices = pc.index_in(item_ids.combine_chunks(), pa.array(self.item_ids, pa.string()))
        return indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)


def read_sales(events: ibis.Table, as_of: datetime, by_channel: bool) -> Sales:
    """All sales before the day of `as_of`, of every item that ever sold."""
    table = (channel_demand if by_channel else daily_demand)(events, as_of).to_pyarrow().combine_chunks()
    item, item_ids = _encoded(table[c.ITEM_ID])
    channel = np.zeros(len(item), dtype=np.int64)
    channels: tuple[str, ...] = ("",)
    units = table[c.UNITS].to_numpy()
    if by_channel:
        channel, channels = _largest(*_encoded(pc.fill_null(table[c.CHANNEL], NO_CHANNEL)), units)
    return Sales(
        item=item,
        channel=channel,
        date=table[c.DATE].to_numpy().astype("datetime64[D]"),
        units=units,
        price=table[c.PRICE].to_numpy(),
        item_ids=item_ids,
        channels=channels,
    )


def read_assortment(catalogue: ibis.Table, item_ids: np.ndarray) -> Assortment:
    """The items of these sorted ids, with their categories in the catalogue."""
    known = catalogue.select(c.ITEM_ID, c.ITEM_CATEGORY).to_pyarrow()
    index = pc.index_in(pa.array(item_ids, pa.string()), known[c.ITEM_ID])
    return Assortment(item_ids, np.asarray(known[c.ITEM_CATEGORY].take(index).fill_null("").to_pylist(), dtype=np.str_))


def _encoded(names: pa.ChunkedArray) -> tuple[np.ndarray, np.ndarray]:
    """Codes, and the sorted names behind them."""
    encoded = names.combine_chunks().dictionary_encode()
    values, rank = np.unique(np.asarray(encoded.dictionary.to_pylist(), dtype=np.str_), return_inverse=True)
    return rank[encoded.indices.to_numpy(zero_copy_only=False)].astype(np.int64), values


def _largest(code: np.ndarray, names: np.ndarray, units: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    if len(names) <= MAX_CHANNELS:
        return code, tuple(names.tolist())
    order = np.argsort(-np.bincount(code, units, len(names)), kind="stable")
    rank = np.empty(len(names), dtype=np.int64)
    rank[order] = np.arange(len(names))
    kept = names[order[: MAX_CHANNELS - 1]].tolist()
    return np.minimum(rank, MAX_CHANNELS - 1)[code], (*kept, OTHER_CHANNELS)


def _indices(known: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The index of each wanted code in the sorted `known`; -1 where it is missing."""
    if not len(known):
        return np.full(len(wanted), -1)
    nearest = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[nearest] == wanted, nearest, -1)
