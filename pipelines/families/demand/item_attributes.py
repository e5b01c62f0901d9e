"""The assortment: the items that are forecast, with categories, reported stock and prices as arrays."""

from dataclasses import dataclass
from datetime import datetime

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from pipelines.features.prices import daily_prices
from pipelines.features.stock import reported_stock


@dataclass(frozen=True)
class Span:
    """The days of a panel and those ahead of it; both are whole periods."""

    first: np.datetime64
    days: int
    ahead_days: int

    @property
    def width(self) -> int:
        return self.days + self.ahead_days

    def date(self, day: int) -> np.datetime64:
        """The date of a day counted from the first."""
        return self.first + np.timedelta64(day, "D")


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
        found: np.ndarray = indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        return found


def read_assortment(catalogue: ibis.Table, item_ids: np.ndarray) -> Assortment:
    """The items of these sorted ids, with their categories in the catalogue."""
    known = catalogue.select(c.ITEM_ID, c.ITEM_CATEGORY).to_pyarrow()
    index = pc.index_in(pa.array(item_ids, pa.string()), known[c.ITEM_ID])
    return Assortment(item_ids, np.asarray(known[c.ITEM_CATEGORY].take(index).fill_null("").to_pylist(), dtype=np.str_))
