"""Categories, reported stock and prices of the items that are forecast."""

from datetime import timedelta

import ibis
import numpy as np
import pyarrow as pa

from contracts import columns as c
from pipelines.families.demand.sales import Assortment, Span, read_assortment
from tests.worlds import day, events_table, order

SPAN = Span(np.datetime64(day(0).date()), 5, 2)
CATALOGUE = ibis.memtable(
    pa.Table.from_pylist(
        [
            dict.fromkeys(c.CATALOGUE.names)
            | {c.ITEM_ID: name, c.ITEM_CATEGORY: category, c.STOCK: stock, c.UPDATED_AT: at}
            for name, category, stock, at in (
                ("cup", "mugs", 5.0, day(3.5)),
                ("jam", None, None, day(1)),
                ("tea", "drinks", 0.0, day(-9)),
                ("unsold", "mugs", 7.0, day(1)),
            )
        ],
        schema=c.CATALOGUE,
    )
)
ITEMS = np.array(["cup", "jam", "new", "tea"])


def test_categories_come_from_the_catalogue() -> None:
    found = read_assortment(CATALOGUE, ITEMS)
    assert found.item_ids is ITEMS
    assert found.categories.tolist() == ["mugs", "", "", "drinks"]


def test_stock_has_the_day_of_its_report() -> None:
    stock, reported = Assortment(ITEMS, ITEMS).stock(CATALOGUE, day(9), SPAN)
    np.testing.assert_array_equal(stock, [5, np.nan, np.nan, 0])
    assert reported.tolist() == [3, SPAN.days, SPAN.days, 0]  # a report before the span counts from its first day
    early, _ = Assortment(ITEMS, ITEMS).stock(CATALOGUE, day(2), SPAN)
    assert np.isnan(early[0])  # not reported yet


def test_prices_by_day() -> None:
    events = ibis.memtable(events_table(order("ann", 2.5, {"tea": 1, "other": 1}, price=4.0)))
    prices = Assortment(ITEMS, ITEMS).prices(events, day(5), SPAN)
    assert prices.shape == (4, 5)
    assert np.argwhere(np.isfinite(prices)).tolist() == [[3, 2]]
    assert prices[3, 2] == 4


def test_a_span_counts_days_from_its_first() -> None:
    assert SPAN.width == 7
    assert SPAN.date(6) == np.datetime64((day(0) + timedelta(days=6)).date())
