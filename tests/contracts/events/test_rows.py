"""Events as rows."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts import columns as c
from contracts.events.parse import parse_event
from contracts.events.rows import event_rows

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def rows(**fields: Any) -> list[dict[str, Any]]:
    event = {"type": "screen", "messageId": "m1", "userId": "u1", **fields}
    told = event_rows(parse_event(json.dumps(event).encode(), NOW), NOW, "test")
    return [dict(zip(c.EVENT_LINES.names, row, strict=True)) for row in told]


def test_a_screen_is_a_page() -> None:
    (row,) = rows()
    assert (row[c.TYPE], row[c.LINE], row[c.ITEM_ID], row[c.QUANTITY]) == ("page", 0, None, None)


def test_lines_are_numbered_and_a_quantity_is_one_unless_stated() -> None:
    products = [{"sku": "a"}, {"sku": "b", "quantity": 3}]
    order = rows(type="track", event="Order Completed", properties={"order_id": 5, "products": products})
    assert [(row[c.LINE], row[c.ITEM_ID], row[c.QUANTITY]) for row in order] == [(0, "a", 1.0), (1, "b", 3.0)]
    assert {row[c.ORDER_ID] for row in order} == {"5"}


@pytest.mark.parametrize(
    ("stated", "revenue"),
    [
        ({"revenue": 80, "total": 100, "shipping": 15, "tax": 5}, 80.0),
        ({"total": 100, "shipping": 15, "tax": 5}, 80.0),
        ({"total": -100, "tax": 5}, -95.0),
        ({"total": 10, "shipping": 15}, 0.0),
        ({"total": 100}, 100.0),
        ({}, None),
    ],
)
def test_shipping_and_tax_are_no_revenue(stated: dict[str, float], revenue: float | None) -> None:
    (row,) = rows(type="track", event="Order Completed", properties={"order_id": 5, **stated})
    assert row[c.REVENUE] == revenue
