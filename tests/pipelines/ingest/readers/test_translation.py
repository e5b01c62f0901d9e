from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from contracts.errors import InvalidEvent
from pipelines.ingest.readers.mapping import Mapping
from pipelines.ingest.readers.translation import Translation

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
    return Translation(msgspec.convert(MAPPING | changes, Mapping), COLUMNS)(values)


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
    turned = Translation(msgspec.convert(MAPPING, Mapping), COLUMNS[::-1])(values[::-1])
    assert turned["messageId"] == translated(*values)["messageId"]
    assert turned["messageId"] != translated(*values[:4], "2", "")["messageId"]


@pytest.mark.parametrize(("place", "value", "code"), [(0, "someday", "bad_timestamp"), (5, "perhaps", "wrong_type")])
def test_cells_that_cannot_be_read_are_refused(place: int, value: str, code: str) -> None:
    values = ["2025-03-01", "d1", "u1", "tea", "1", ""]
    values[place] = value
    with pytest.raises(InvalidEvent) as refused:
        translated(*values)
    assert refused.value.code == code
