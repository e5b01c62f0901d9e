"""A refusal of consent counts, whatever else is wrong with its event."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.errors import InvalidEvent
from contracts.events.parse import MAX_EVENT_BYTES, parse_event
from contracts.events.refusal import consent_of_refused

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
BASE: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m",
    "userId": "u",
    "anonymousId": "a",
    "timestamp": "2026-01-10T10:00:00Z",
    "context": {"ip": "192.0.2.7", "consent": {"categoryPreferences": {"analytics": False}}},
    "properties": {"order_id": "o", "product_id": "a"},
}


@pytest.mark.parametrize(
    "fault",
    [
        {"event": "Segment Consent Preference Updated"},
        {"type": "group"},
        {"type": None},
        {"properties": {"order_id": "o", "product_id": "a", "price": -5}},
        {"properties": []},
        {"messageId": "x" * 201},
        {"timestamp": "1970-01-01T00:00:00Z"},
        {"type": "group", "context": {"consentManagement": {"deniedConsentIds": ["analytics"]}}},
    ],
)
def test_a_refusal_counts_whatever_else_is_wrong(fault: dict[str, Any]) -> None:
    raw = json.dumps(BASE | fault).encode()
    with pytest.raises(InvalidEvent):
        parse_event(raw, NOW)
    statement = consent_of_refused(raw, NOW)
    assert statement is not None
    assert (statement.user_id, statement.anonymous_id, statement.is_suppressed) == ("u", "a", True)
    assert (statement.products, statement.traits, statement.name) == ((), None, None)


def test_the_statement_has_the_events_time_and_id() -> None:
    statement = consent_of_refused(json.dumps(BASE | {"type": "group"}).encode(), NOW)
    assert statement is not None
    assert (statement.message_id, statement.occurred_at) == ("m", datetime(2026, 1, 10, 10, tzinfo=UTC))


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"\xff",
        json.dumps(BASE | {"context": {}}).encode(),
        json.dumps(BASE | {"userId": None, "anonymousId": "undefined"}).encode(),
        json.dumps(BASE | {"context": {"consent": {"categoryPreferences": {"unknown": False}}}}).encode(),
        b" " * (MAX_EVENT_BYTES + 1),
        b"[" * 100_000,
    ],
)
def test_without_a_statement_or_a_person_there_is_none(raw: bytes) -> None:
    assert consent_of_refused(raw, NOW) is None
