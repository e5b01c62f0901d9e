from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from contracts.errors import InvalidEvent
from pipelines.ingest.readers.tables.language import Mapping
from pipelines.ingest.readers.tables.translation import Translation

NOW = datetime(2026, 12, 1, tzinfo=UTC)
COLUMNS = ("time", "device", "user", "item", "amount", "agrees")
MAPPING: dict[str, Any] = {
    "fields": {
        "timestamp": "time",
        "anonymous_id": "device",
        "user_id": "user",
        "item_id": "item",
        "quantity": "amount",
        "consent_marketing": "agrees",
    },
    "rules": [
        {"when": {"amount": "-.*"}, "event": "Order Refunded", "negate_quantity": True},
        {"when": {"amount": "0"}, "reject": "no_amount", "reason": "the amount is 0"},
        {"when": {"item": ".+"}, "event": "Order Completed"},
    ],
    "source": "till",
    "constants": {"currency": "EUR"},
    "anonymous_id": "till-{time}",
}


def translated(*values: Any, **changes: Any) -> dict[str, Any]:
    return Translation(msgspec.convert(MAPPING | changes, Mapping), COLUMNS, NOW)(values)[0]


def test_cells_and_constants_land_in_the_fields_of_the_event() -> None:
    event = translated("2025-03-01T12:00:00", "d1", "u1", "tea", 2.0, "Yes")
    assert (event["event"], event["userId"], event["anonymousId"]) == ("Order Completed", "u1", "d1")
    assert event["timestamp"] == datetime(2025, 3, 1, 12, tzinfo=UTC)
    assert event["properties"] == {"product_id": "tea", "quantity": "2", "currency": "EUR"}
    assert event["context"] == {"consent": {"categoryPreferences": {"marketing": True}}}


def test_the_first_rule_that_matches_counts() -> None:
    event = translated("2025-03-01", "d1", None, "tea", "-3", "")
    assert (event["event"], event["properties"]["quantity"]) == ("Order Refunded", 3.0)
    with pytest.raises(InvalidEvent, match="the amount is 0") as refused:
        translated("2025-03-01", "d1", None, "tea", 0, "")
    assert refused.value.code == "no_amount"
    with pytest.raises(InvalidEvent, match="no rule"):
        translated("2025-03-01", "d1", None, None, "1", "")


def test_a_row_without_ids_has_the_template_s_and_a_time_in_the_mapping_s_zone() -> None:
    event = translated("2025-07-01T12:00:00", " ", None, "tea", "1", "", timezone="Europe/Berlin")
    assert event["anonymousId"] == "till-2025-07-01T12:00:00"
    assert event["timestamp"] == datetime(2025, 7, 1, 10, tzinfo=UTC)


def test_the_message_id_is_of_the_cells_and_not_of_their_order() -> None:
    values = ("2025-03-01", "d1", "u1", "tea", "1", "")
    turned = Translation(msgspec.convert(MAPPING, Mapping), COLUMNS[::-1], NOW)(values[::-1])[0]
    assert turned["messageId"] == translated(*values)["messageId"]
    assert turned["messageId"] != translated(*values[:4], "2", "")["messageId"]


@pytest.mark.parametrize(("place", "value", "code"), [(0, "someday", "bad_timestamp"), (5, "perhaps", "wrong_type")])
def test_cells_that_cannot_be_read_are_refused(place: int, value: str, code: str) -> None:
    values = ["2025-03-01", "d1", "u1", "tea", "1", ""]
    values[place] = value
    with pytest.raises(InvalidEvent) as refused:
        translated(*values)
    assert refused.value.code == code


def order_line(*values: Any, **changes: Any) -> list[dict[str, Any]]:
    """The events of a row: order, state, price, refunded."""
    mapping = {
        "fields": {"timestamp": "time", "user_id": "who", "order_id": "order", "price": "price", "refunded": "back"},
        "rules": [
            {"when": {"state": "void"}, "event": "Order Completed", "undone_by": "Order Cancelled"},
            {"event": "Order Completed"},
        ],
        "source": "shop",
    }
    columns = ("time", "who", "order", "state", "price", "back")
    decimal = changes.pop("decimal", None)
    return Translation(msgspec.convert(mapping | changes, Mapping), columns, NOW, decimal)(
        ("2026-05-01 10:00:00 +0200", "Ann@Example.com", *values)
    )


def test_an_amount_that_was_given_back_is_an_event_of_its_own() -> None:
    sale, refund = order_line("o1", "paid", "20.00", "5.00 EUR")
    assert (sale["event"], refund["event"]) == ("Order Completed", "Order Refunded")
    assert refund["properties"] == {"order_id": "o1", "revenue": 5.0, "currency": "EUR"}
    assert refund["messageId"] != sale["messageId"]
    assert refund["timestamp"] == sale["timestamp"] == datetime(2026, 5, 1, 8, tzinfo=UTC)
    other_line = order_line("o1", "paid", "10.00", "5.00 EUR")
    assert other_line[1]["messageId"] == refund["messageId"]  # it is one refund, though each line tells it
    assert len(order_line("o1", "paid", "20.00", "0.00")) == len(order_line("o1", "paid", "20.00", "")) == 1


def test_a_rule_may_undo_the_whole_order() -> None:
    _, undone = order_line("o1", "void", "20.00", "5.00")
    assert (undone["event"], undone["properties"]) == ("Order Cancelled", {"order_id": "o1"})


def test_amounts_follow_the_sign_of_the_file_and_state_their_currency() -> None:
    (event,) = order_line("o1", "paid", "€ 1.234,56", "", decimal=",")
    assert (event["properties"]["price"], event["properties"]["currency"]) == (1234.56, "EUR")
    with pytest.raises(InvalidEvent, match="another decimal sign") as refused:
        order_line("o1", "paid", "12.34", "", decimal=",")
    assert refused.value.code == "bad_amount"
    with pytest.raises(InvalidEvent, match="the price is in EUR"):
        order_line("o1", "paid", "12 EUR", "", constants={"currency": "USD"})


def test_ids_are_mended_or_refused() -> None:
    (event,) = order_line("'7210448301122", "paid", "1", "", lower_case=["user_id"])
    assert (event["properties"]["order_id"], event["userId"]) == ("7210448301122", "ann@example.com")
    with pytest.raises(InvalidEvent, match="rounded by a spreadsheet") as refused:
        order_line("9.01381E+12", "paid", "1", "")
    assert refused.value.code == "bad_id"


def test_who_a_person_is_may_have_no_time_and_is_told_anew_each_day() -> None:
    mapping = msgspec.convert(
        {
            "fields": {"user_id": "who", "email": "who", "consent_marketing": "ok"},
            "rules": [{"event": "identify"}],
            "no": ["NEVER_SUBSCRIBED"],
        },
        Mapping,
    )
    row = ("a@example.com", "never_subscribed")
    (event,), (again,), (later,) = (
        Translation(mapping, ("who", "ok"), at)(row) for at in (NOW, NOW + timedelta(hours=9), NOW + timedelta(days=1))
    )
    assert (event["type"], event["traits"]) == ("identify", {"email": "a@example.com"})
    assert event["context"]["consent"] == {"categoryPreferences": {"marketing": False}}
    assert event["timestamp"] == NOW
    assert event["messageId"] == again["messageId"] != later["messageId"]
