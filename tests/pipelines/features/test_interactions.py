"""Interactions on a world whose every row is known."""

from datetime import datetime
from typing import Any

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED
from pipelines.features.interactions import interactions
from tests.pipelines.features.leaks import busy_world, looks_ahead
from tests.worlds import day, events_table, order, view

Found = list[tuple[str, str, str, float]]


def found(rows: list[dict[str, Any]], as_of: datetime = day(100)) -> Found:
    table = interactions(ibis.memtable(events_table(rows)), as_of).to_pyarrow()
    assert table.column_names == [c.CUSTOMER_ID, c.ITEM_ID, c.KIND, c.OCCURRED_AT]
    return sorted(
        (row[c.CUSTOMER_ID], row[c.ITEM_ID], row[c.KIND], (row[c.OCCURRED_AT] - day(0)).total_seconds() / 86_400)
        for row in table.to_pylist()
    )


def back(at: float, order_id: str, event: str = ORDER_REFUNDED, **more: Any) -> dict[str, Any]:
    return {c.EVENT: event, c.OCCURRED_AT: day(at), c.CUSTOMER_ID: "office", c.ORDER_ID: order_id, **more}


def test_each_event_has_its_kind_and_other_events_have_none() -> None:
    rows = [
        view("ada", 1, "tea"),
        view("ada", 2, "tea", event="Product Clicked"),
        view("ada", 3, "tea", event="Product Added"),
        view("ada", 4, "tea", event="Product Removed"),
        *order("ada", 5, {"tea": 2, "cup": 1}),
        {c.TYPE: "page", c.OCCURRED_AT: day(6), c.CUSTOMER_ID: "ada"},
    ]
    assert found(rows) == [
        ("ada", "cup", "order", 5),
        ("ada", "tea", "cart", 3),
        ("ada", "tea", "order", 5),
        ("ada", "tea", "view", 1),
        ("ada", "tea", "view", 2),
    ]


def test_what_was_given_back_was_not_ordered() -> None:
    rows = [
        *order("ada", 1, {"tea": 2, "cup": 2}, order_id="some"),
        back(2, "some", item_id="tea", quantity=2.0),
        back(2, "some", item_id="cup", quantity=1.0),
        *order("ada", 3, {"pot": 1}, order_id="whole"),
        back(4, "whole"),
        *order("ada", 5, {"jar": 1}, order_id="none"),
        back(6, "none", ORDER_CANCELLED),
    ]
    assert found(rows) == [("ada", "cup", "order", 1)]
    assert [row[1] for row in found(rows, as_of=day(2))] == ["cup", "tea"]  # not yet given back


def test_only_customers_who_allow_it_known_by_name_or_not() -> None:
    rows = [
        view("ada", 1, "tea", **{c.ALLOWS_PERSONALIZATION: False}),
        *order("ada", 2, {"tea": 1}, **{c.ALLOWS_PERSONALIZATION: False}),
        view("device", 3, "cup", **{c.IS_KNOWN: False}),
    ]
    assert found(rows) == [("device", "cup", "view", 3)]


def test_nothing_at_or_after_as_of_counts() -> None:
    rows = [view("ada", 1, "tea"), view("ada", 2, "cup"), *order("ada", 2, {"tea": 1})]
    assert found(rows, as_of=day(2)) == [("ada", "tea", "view", 1)]
    assert not looks_ahead(interactions, busy_world(seed=2), day(60))


def test_a_store_without_events_has_none() -> None:
    assert found([]) == []
