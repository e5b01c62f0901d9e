"""Optional fields of another type are repaired or left out; the sale stays."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.events.parse import parse_event
from contracts.events.repair import read_time, repair_event
from contracts.events.rows import event_rows

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m",
    "userId": "u",
    "properties": {"order_id": "o", "products": [{"product_id": "a", "price": 10}]},
}


def order(product: dict[str, Any] | None = None, context: Any = None, **properties: Any) -> bytes:
    line = ORDER["properties"]["products"][0] | (product or {})
    told = ORDER | {"properties": ORDER["properties"] | {"products": [line]} | properties}
    return json.dumps(told if context is None else told | {"context": context}).encode()


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (order(coupon=[]), "properties.coupon"),
        (order(coupon={}), "properties.coupon"),
        (order(coupon=20), "properties.coupon"),
        (order(coupon=True), "properties.coupon"),
        (order(tax=""), "properties.tax"),
        (order(discount=[]), "properties.discount"),
        (order(shipping="free"), "properties.shipping (unreadable)"),
        (order(session_id={}), "properties.session_id"),
        (order({"name": 1984}), "properties.products.name"),
        (order({"category": ["Tea", "Green"]}), "properties.products.category"),
        (order({"quantity": ""}), "properties.products.quantity"),
        (order({"quantity": "1 pc."}), "properties.products.quantity"),
        (order({"brand": {"id": 3}}), "properties.products.brand"),
        (order(context=[]), "context"),
        (order(context="web"), "context"),
        (order(context={"campaign": []}), "context.campaign"),
        (order(context={"device": "mobile"}), "context.device"),
        (order(context={"location": {"country": 49}}), "context.location.country"),
        (order(products={"0": {"product_id": "a", "price": 10}}), "properties.products"),
        (order(products={"product_id": "a", "price": 10}), "properties.products"),
        (order(products=[{"product_id": "a", "price": 10}, "b"]), "properties.products"),
        (order({"price": "10,00 €"}), "properties.products.price"),
        (json.dumps(ORDER | {"timestamp": 1768046400000}).encode(), "timestamp"),
        (json.dumps(ORDER | {"timestamp": "soon"}).encode(), "timestamp (unreadable)"),
        (json.dumps(ORDER | {"anonymousId": []}).encode(), "anonymousId"),
        (json.dumps(ORDER | {"messageId": 17}).encode(), "messageId"),
    ],
)
def test_the_sale_stays_and_the_field_is_named(raw: bytes, field: str) -> None:
    event = parse_event(raw, NOW)
    (row,) = event_rows(event, NOW, "test")
    assert event.repairs == (field,)
    assert 10.0 in row
    assert event.occurred_at == NOW


def test_what_can_be_read_is_kept() -> None:
    raw: dict[str, Any] = json.loads(order({"category": ["Tea", "Green"], "name": 1984}, coupon=["A", 5, {}]))
    repair_event(raw)
    (line,) = raw["properties"]["products"]
    assert (line["category"], line["name"], raw["properties"]["coupon"]) == ("Tea, Green", "1984", "A, 5")


def test_a_good_event_is_left_alone() -> None:
    assert parse_event(order(coupon="X", revenue="25.00", tax=None), NOW).repairs == ()


def test_a_revenue_that_is_not_that_of_the_lines_is_named() -> None:
    products = [{"sku": "a", "price": 10}, {"sku": "b", "price": 5, "quantity": 2}]
    assert parse_event(order(products=products, revenue=20), NOW).repairs == ()
    (told,) = parse_event(order(products=products, revenue=2000), NOW).repairs
    assert told == "properties.revenue (other than its lines)"


def test_an_order_keeps_the_money_of_a_line_without_an_item() -> None:
    event = parse_event(order(products=[{"name": "Gift wrap", "price": 3}, {"sku": "a", "price": 10}]), NOW)
    assert event.repairs == ("products.product_id (missing)",)
    assert len(event_rows(event, NOW, "test")) == 2


def test_a_line_that_was_taken_out_of_an_order_is_left_out() -> None:
    event = parse_event(order(products=[{"sku": "a", "quantity": 0}, {"sku": "b", "price": 10}]), NOW)
    assert [product.sku for product in event.products] == ["b"]


@pytest.mark.parametrize(
    "value",
    [
        *(1768046400, 1768046400.0, 1768046400000, "1768046400", 1768046400000000, "2026-01-10 12:00:00 UTC"),
        *("2026-01-10 12:00", "2026/01/10 12:00:00", "Sat, 10 Jan 2026 12:00:00 GMT", "2026-01-10T12:00:00.000Z"),
        "Sat Jan 10 2026 13:00:00 GMT+0100 (Central European Standard Time)",
    ],
)
def test_times_in_the_usual_forms_are_read(value: Any) -> None:
    moment = read_time(value)
    assert moment is not None
    assert (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) == NOW


@pytest.mark.parametrize("value", ["soon", "", True, None, [], 1e30, "10.01.2026", "2026-13-40"])
def test_what_is_no_time_is_not_guessed(value: Any) -> None:
    assert read_time(value) is None
