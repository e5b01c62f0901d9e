from datetime import timedelta
from typing import Any

import orjson
import pytest

from contracts.events.parse import Event, parse_event
from contracts.privacy.tombstones import Tombstone, Tombstones, hash_of
from pipelines.ingest.erased import is_of_erased, is_on_erased_device, names_erased
from pipelines.ingest.readers.record import Record
from tests.pipelines.wire import NOW, START, wire

SECRET = b"s" * 32
ERASED_AT = START + timedelta(days=5)
GONE = Tombstones(
    SECRET, {hash_of(each, SECRET): Tombstone(ERASED_AT, drops=True) for each in ("ada", "phone", "ada@example.org")}
)


def event(at: float = 0, **fields: Any) -> Event:
    return parse_event(orjson.dumps(wire("m", at, **fields)), NOW, is_live=False)


@pytest.mark.parametrize(
    ("fields", "is_erased"),
    [
        ({"userId": "ada"}, True),
        ({"anonymousId": "phone"}, True),
        ({"type": "alias", "userId": "new", "previousId": "ada"}, True),
        ({"type": "identify", "userId": "x", "traits": {"email": "Ada@example.org"}}, True),
        ({"userId": "ada", "at": 6}, False),
        ({"userId": "bob", "anonymousId": "phone"}, False),
        ({"type": "identify", "userId": "x", "traits": {"email": 5, "note": "@"}}, False),
    ],
)
def test_an_event_is_that_of_an_erased_person(fields: dict[str, Any], is_erased: bool) -> None:
    assert is_of_erased(event(**fields), GONE) is is_erased


def test_somebody_else_on_the_device_is_told_apart() -> None:
    assert is_on_erased_device(event(userId="bob", anonymousId="phone"), GONE)
    assert not is_on_erased_device(event(userId="bob", anonymousId="phone", at=6), GONE)
    assert not is_on_erased_device(event(userId="bob", anonymousId="tablet"), GONE)
    assert not is_on_erased_device(event(anonymousId="phone"), GONE)


@pytest.mark.parametrize(
    ("record", "is_named"),
    [
        (Record(b'{"x": [{"y": "ada"}]}', 1, 9), True),
        (Record(b'{"userId": "ada", "broken', 1, 9), True),
        (Record(b"\xff", 1, 9, None, (("Email", "Total"), ("ADA@example.org", 5.0))), True),
        (Record(b'{"userId": "bob"}', 1, 9, None, (("Email",), (None,))), False),
    ],
)
def test_a_refused_record_names_an_erased_person(record: Record, is_named: bool) -> None:
    assert names_erased(record, GONE) is is_named
    assert not names_erased(record, Tombstones())
