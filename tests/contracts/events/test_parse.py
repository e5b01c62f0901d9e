"""The event format: what is accepted, what is refused and why."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts import columns as c
from contracts.errors import InvalidEvent
from contracts.events.names import EVENT_NAMES, V1_ALIASES
from contracts.events.parse import MAX_EVENT_BYTES, parse_event
from contracts.events.rows import event_rows
from contracts.validation.bounds import MAX_MONEY, MAX_UNITS

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)


def encode(**fields: Any) -> bytes:
    event = {"type": "track", "messageId": "m1", "userId": "u1", "timestamp": "2026-01-10T10:00:00Z"} | fields
    return json.dumps(event).encode()


def rows(raw: bytes) -> list[dict[str, Any]]:
    return [dict(zip(c.EVENT_LINES.names, row, strict=True)) for row in event_rows(parse_event(raw, NOW), NOW, "test")]


def refusal(raw: bytes) -> str:
    with pytest.raises(InvalidEvent) as caught:
        parse_event(raw, NOW)
    assert str(caught.value)
    return caught.value.code


def nested(depth: int) -> Any:
    return [nested(depth - 1)] if depth else 0


ORDER: dict[str, Any] = {
    "order_id": "o1",
    "revenue": "25.00",
    "shipping": 3,
    "tax": 2,
    "currency": "EUR",
    "products": [
        {"product_id": 7, "price": "10", "quantity": 2, "name": "Cup", "category": "Kitchen", "brand": "Oak"},
        {"sku": "b", "price": 5},
    ],
}


def test_an_order_becomes_one_row_per_product() -> None:
    first, second = rows(encode(event="Order Completed", properties=ORDER))
    assert (first["item_id"], first["quantity"], first["price"], first["item_brand"]) == ("7", 2.0, 10.0, "Oak")
    assert (second["item_id"], second["quantity"], second["line"]) == ("b", 1.0, 1)
    assert {row["fees"] for row in (first, second)} == {5.0}
    assert {row["revenue"] for row in (first, second)} == {25.0}


def test_rows_fit_the_stored_schema() -> None:
    event = parse_event(encode(event="Order Completed", properties=ORDER), NOW)
    columns = zip(*event_rows(event, NOW, "test"), strict=True)
    table = pa.table(
        [pa.array(column, field.type) for column, field in zip(columns, c.EVENT_LINES, strict=True)],
        schema=c.EVENT_LINES,
    )
    assert table.num_rows == 2


def test_every_field_lands_in_its_column() -> None:
    context = {
        "campaign": {"source": "news", "medium": "email"},
        "location": {"country": "DE"},
        "device": {"type": "mobile"},
        "page": {"path": "/cup"},
        "sessionId": "s1",
        "consent": {"categoryPreferences": {"analytics": True, "personalization": False, "marketing": True}},
    }
    order = ORDER | {"products": ORDER["products"][:1], "discount": 4, "coupon": "SPRING", "query": "cups"}
    (row,) = rows(encode(event="Order Completed", anonymousId="a1", properties=order, context=context))
    assert row == {
        "message_id": "m1",
        "line": 0,
        "type": "track",
        "event": "Order Completed",
        "occurred_at": NOW - timedelta(hours=2),
        "received_at": NOW,
        "source": "test",
        "anonymous_id": "a1",
        "user_id": "u1",
        "previous_id": None,
        "session_id": "s1",
        "channel": "email",
        "country": "DE",
        "device": "mobile",
        "order_id": "o1",
        "currency": "EUR",
        "revenue": 25.0,
        "discount": 4.0,
        "fees": 5.0,
        "coupon": "SPRING",
        "query": "cups",
        "page_path": "/cup",
        "item_id": "7",
        "quantity": 2.0,
        "price": 10.0,
        "item_name": "Cup",
        "item_category": "Kitchen",
        "item_brand": "Oak",
        "consent_analytics": True,
        "consent_personalization": False,
        "consent_marketing": True,
        "traits": None,
    }


def test_an_event_without_product_is_one_row_without_item() -> None:
    (row,) = rows(encode(type="page", properties={"path": "/about"}))
    assert (row["item_id"], row["type"], row["event"], row["page_path"]) == (None, "page", None, "/about")


@pytest.mark.parametrize("name", EVENT_NAMES)
def test_every_v2_name_is_known_in_any_case(name: str) -> None:
    raw = encode(event=name.upper(), properties={"product_id": "a", "order_id": "o"})
    assert parse_event(raw, NOW).name == name


@pytest.mark.parametrize(("alias", "name"), V1_ALIASES.items())
def test_v1_names_become_v2(alias: str, name: str) -> None:
    assert parse_event(encode(event=alias, properties={"id": "a", "orderId": "o"}), NOW).name == name


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b'{"type":"page","userId":"\xff"}', "malformed_json"),
        (b'{"type":"identify","userId":"a","traits":"\xff"}', "malformed_json"),
        (b'{"type":"identify","userId":"a","traits":' + b"[" * 15_000 + b"]" * 15_000 + b"}", "too_deep"),
        (encode(type="page", context={"a": nested(31)}), "too_deep"),
        (b"[]", "wrong_type"),
        (b'{"userId":"a"}', "unknown_type"),
        (encode(type="group"), "unused_type"),
        (encode(userId={}), "missing_identity"),
        (encode(userId="undefined"), "missing_identity"),
        (encode(event="Order Completed", properties={"order_id": "undefined"}), "missing_order_id"),
        (encode(userId="", anonymousId=None), "missing_identity"),
        (encode(userId="x" * 201), "bad_id"),
        (encode(event="Product Viewed", properties={"product_id": "x" * 201}), "bad_id"),
        (encode(event="Order Completed", properties={"order_id": "x" * 201}), "bad_id"),
        (encode(event="Order Completed", properties={"order_id": 1, "products": [{"sku": "x" * 201}]}), "bad_id"),
        (encode(), "missing_event"),
        (encode(event="Newsletter Signed Up"), "unknown_event"),
        (encode(event="Product Viewed"), "missing_item"),
        (
            encode(event="Order Refunded", properties={"products": [{"name": "no id"}], "order_id": "o"}),
            "missing_item",
        ),
        (encode(event="Product Viewed", properties={"product_id": "undefined"}), "missing_item"),
        (encode(event="Order Completed", properties={"order_id": "o", "revenue": "1,299"}), "bad_amount"),
        (encode(event="Order Completed", properties={"order_id": "o", "product_id": "a", "price": "?"}), "bad_amount"),
        (encode(event="Order Completed", properties={"product_id": "a"}), "missing_order_id"),
        (encode(event="Product Viewed", properties={"product_id": "a", "price": -1}), "bad_price"),
        (encode(event="Product Viewed", properties={"product_id": "a", "price": "nan"}), "bad_price"),
        (encode(event="Product Viewed", properties={"product_id": "a", "price": "inf"}), "bad_price"),
        (encode(event="Product Viewed", properties={"product_id": "a", "price": 1e308}), "bad_price"),
        (encode(event="Product Added", properties={"product_id": "a", "quantity": 0}), "bad_quantity"),
        (encode(event="Product Added", properties={"product_id": "a", "quantity": 1e10}), "bad_quantity"),
        (
            encode(event="Order Completed", properties={"order_id": "o", "products": [{"sku": 1, "price": 1e13}]}),
            "bad_price",
        ),
        *(
            (encode(**of, properties={"order_id": "o", field: amount}), "bad_amount")
            for field in ("revenue", "total", "discount", "shipping", "tax")
            for of in ({"event": "Order Completed"}, {"type": "page"}, {"type": "screen"})
            for amount in ("inf", "nan", 1e13, -1e13)
        ),
        (encode(type="alias"), "missing_identity"),
        (encode(type="page", timestamp="1970-01-01T00:00:00Z"), "bad_timestamp"),
        (encode(type="page", timestamp="2100-01-01T00:00:00Z"), "bad_timestamp"),
        (encode(type="page", timestamp="9999-12-31T23:59:59-14:00"), "bad_timestamp"),
        (b"x" * (MAX_EVENT_BYTES + 1), "too_large"),
    ],
)
def test_bad_input_is_refused_with_a_code(raw: bytes, code: str) -> None:
    assert refusal(raw) == code


def test_the_largest_numbers_and_the_deepest_nesting_are_taken() -> None:
    product = {"product_id": "a", "price": MAX_MONEY, "quantity": MAX_UNITS}
    order = {"order_id": "o", "revenue": -MAX_MONEY, "products": [product], "more": nested(30)}
    (row,) = rows(encode(event="Order Completed", properties=order))
    assert (row["price"], row["quantity"], row["revenue"]) == (MAX_MONEY, MAX_UNITS, -MAX_MONEY)


def test_times_are_utc_and_the_first_given_clock_counts() -> None:
    moment = datetime(2026, 1, 10, 8, tzinfo=UTC)
    for fields in (
        {"timestamp": "2026-01-10T10:00:00+02:00"},
        {"timestamp": None, "originalTimestamp": "2026-01-10T08:00:00Z"},
        {"timestamp": "2026-01-10T08:00:00"},
    ):
        occurred_at = parse_event(encode(type="page", **fields), NOW).occurred_at
        assert occurred_at == moment
        assert occurred_at.utcoffset() == timedelta(0)
    assert parse_event(encode(type="page", timestamp=None), NOW).occurred_at == NOW


def test_a_missing_message_id_is_made_of_the_content() -> None:
    one, same = (parse_event(encode(type="page", messageId=None), NOW).message_id for _ in range(2))
    other = parse_event(encode(type="page", messageId=None, userId="u2"), NOW).message_id
    assert one == same != other


def consent(**purposes: bool) -> tuple[bool | None, ...]:
    context = {"consent": {"categoryPreferences": purposes}}
    return parse_event(encode(type="page", context=context), NOW).consent


def test_consent_by_purpose_and_by_its_usual_names() -> None:
    assert consent() == (None, None, None)
    assert consent(Analytics=True, Functional=False, advertising=True, other=False) == (True, False, True)
    assert consent(marketing=True, advertising=False)[2] is False


def test_only_refused_analytics_suppresses() -> None:
    refused = {"consent": {"categoryPreferences": {"analytics": False}}}
    assert parse_event(encode(type="page", context=refused), NOW).is_suppressed
    assert not parse_event(encode(type="page"), NOW).is_suppressed


def test_traits_are_kept_as_text_and_addresses_are_not_stored() -> None:
    (row,) = rows(encode(type="identify", traits={"plan": "gold"}, context={"ip": "203.0.113.9"}))
    assert json.loads(row["traits"]) == {"plan": "gold"}
    assert "203.0.113.9" not in str(row)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda x: st.lists(x) | st.dictionaries(st.text(), x),
)
FIELDS = st.sampled_from(["type", "event", "userId", "messageId", "timestamp", "context", "properties", "traits"])


@given(st.binary() | st.dictionaries(FIELDS, JSON).map(lambda value: json.dumps(value).encode()))
def test_anything_at_all_is_an_event_or_a_refusal(raw: bytes) -> None:
    try:
        event = parse_event(raw, NOW)
    except InvalidEvent as error:
        assert error.code  # noqa: PT017 - both outcomes are fine; a third is not
    else:
        assert event_rows(event, NOW, "test")
