from datetime import UTC, datetime, timedelta
from typing import Any

import ibis
import pyarrow as pa

from contracts import columns as c
from contracts.events.names import ORDER_COMPLETED, ORDER_REFUNDED, PRODUCT_VIEWED
from pipelines.warehouse.catalogue import (
    catalogue_before,
    catalogue_of_events,
    descriptions,
    latest_items,
    merged_catalogue,
)
from tests.pipelines.wire import rows

NOW = datetime(2025, 6, 1, tzinfo=UTC)


def items(*given: dict[str, Any]) -> ibis.Table:
    filled = [dict.fromkeys(c.CATALOGUE.names) | {c.UPDATED_AT: NOW} | row for row in given]
    schema = pa.schema([field.with_nullable(True) for field in c.CATALOGUE])
    return ibis.memtable(pa.Table.from_pylist(filled, schema=schema))


def lines(*given: tuple[int, str, str | None, str | None, float | None]) -> ibis.Table:
    """Event lines of (day, event, item, name, price)."""
    schema = pa.schema([field.with_nullable(True) for field in c.EVENT_LINES])
    names = (c.OCCURRED_AT, c.EVENT, c.ITEM_ID, c.ITEM_NAME, c.PRICE)
    filled = [
        dict.fromkeys(c.EVENT_LINES.names) | dict(zip(names, (NOW + timedelta(days=day), *rest), strict=True))
        for day, *rest in given
    ]
    return ibis.memtable(pa.Table.from_pylist(filled, schema=schema))


def test_each_field_has_the_value_that_an_event_stated_last() -> None:
    stated = catalogue_of_events(
        lines(
            (2, PRODUCT_VIEWED, "tea", "Green tea", 4.0),
            (1, PRODUCT_VIEWED, "tea", "Tea", 3.0),
            (3, PRODUCT_VIEWED, "tea", None, None),
            (3, "Cart Viewed", None, "no item", 9.0),
        )
    )
    assert rows(stated, c.ITEM_ID, c.ITEM_NAME, c.PRICE) == [("tea", "Green tea", 4.0)]
    assert rows(stated, c.UPDATED_AT) == [(NOW + timedelta(days=3),)]


def test_a_return_or_a_gift_states_no_price() -> None:
    given = lines(
        (1, ORDER_COMPLETED, "cup", None, 5.0),
        (2, ORDER_REFUNDED, "cup", None, 1.0),
        (3, ORDER_COMPLETED, "cup", None, 0.0),
    )
    assert rows(catalogue_of_events(given), c.ITEM_ID, c.PRICE) == [("cup", 5.0)]


def test_the_row_updated_last_counts_whole_in_either_order() -> None:
    old = items({c.ITEM_ID: "tea", c.PRICE: 3.0, c.STOCK: 7.0, c.UPDATED_AT: NOW - timedelta(days=1)})
    new = items({c.ITEM_ID: "tea", c.PRICE: 4.0})
    for tables in ((old, new), (new, old)):
        assert rows(latest_items(*tables), c.ITEM_ID, c.PRICE, c.STOCK) == [("tea", 4.0, None)]


def test_the_file_takes_precedence_field_by_field() -> None:
    file_items = items({c.ITEM_ID: "tea", c.PRICE: 3.5}, {c.ITEM_ID: "pot", c.STOCK: 2.0}).drop(c.ATTRIBUTES)
    stated = catalogue_of_events(lines((1, PRODUCT_VIEWED, "tea", "Tea", 9.0), (1, PRODUCT_VIEWED, "cup", "Cup", 5.0)))
    merged = merged_catalogue(file_items, stated)
    assert merged.columns == tuple(c.CATALOGUE.names)
    assert rows(merged, c.ITEM_ID, c.ITEM_NAME, c.PRICE, c.STOCK) == [
        ("cup", "Cup", 5.0, None),
        ("pot", None, None, 2.0),
        ("tea", "Tea", 3.5, None),
    ]


def told(days: float, **more: Any) -> dict[str, Any]:
    return {c.ITEM_ID: "tea", c.UPDATED_AT: NOW + timedelta(days=days), **more}


def test_a_description_is_kept_from_when_it_was_first_told_and_a_new_stock_is_none() -> None:
    days = (told(1, price=3.0, stock=9.0), told(2, price=3.0, stock=1.0), told(3, price=4.0), told(4, price=3.0))
    kept = [("tea", 3.0, None, NOW + timedelta(days=1))]
    kept += [("tea", price, None, NOW + timedelta(days=day)) for price, day in ((3.0, 4), (4.0, 3))]
    names = (c.ITEM_ID, c.PRICE, c.STOCK, c.UPDATED_AT)
    assert sorted(rows(descriptions(items(*days)), *names), key=repr) == sorted(kept, key=repr)
    assert rows(descriptions(items(*days[2:]), items(*days[:2])), *names) == rows(descriptions(items(*days)), *names)
    again = descriptions(items(*days))
    assert rows(descriptions(again, items(*days[1:])), *names) == rows(again, *names)


def test_the_catalogue_before_a_time_is_what_was_told_and_seen_before() -> None:
    known = items(told(1, item_category="green"), told(4, item_category="black", stock=0.0), told(7, item_id="pot"))
    seen = lines(
        (1, PRODUCT_VIEWED, "tea", "Tea", 3.0),
        (2, PRODUCT_VIEWED, "tea", "Tea", 2.0),
        (5, PRODUCT_VIEWED, "cup", "Cup", 5.0),
    )
    names = (c.ITEM_ID, c.ITEM_CATEGORY, c.PRICE, c.STOCK)
    assert rows(catalogue_before(known, seen, NOW + timedelta(days=1)), *names) == []
    assert rows(catalogue_before(known, seen, NOW + timedelta(days=2)), *names) == [("tea", "green", 3.0, None)]
    assert rows(catalogue_before(known, seen, NOW + timedelta(days=6)), *names) == [
        ("cup", None, 5.0, None),
        ("tea", "black", 2.0, 0.0),
    ]
