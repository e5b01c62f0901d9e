"""Which records name people who were erased: they come again with a replay, a backup or an old file."""

import re
from collections.abc import Iterator
from typing import Any, Final

import orjson

from contracts import columns as c
from contracts.events.parse import Event
from contracts.privacy.erasable import texts
from contracts.privacy.tombstones import Tombstones
from pipelines.ingest.readers.record import Record

_QUOTED: Final = re.compile(r'"([^"\\]{1,200})"')  # texts of JSON that is broken


def is_of_erased(event: Event, tombstones: Tombstones) -> bool:
    """Whether the event is that of a person who was erased after it happened."""
    owner = event.user_id or event.anonymous_id
    return tombstones.suppresses((owner, event.previous_id, _address(event)), event.occurred_at)


def is_on_erased_device(event: Event, tombstones: Tombstones) -> bool:
    """Whether the event is somebody else's, on the device of a person who was erased after it happened."""
    return event.user_id is not None and tombstones.suppresses((event.anonymous_id,), event.occurred_at)


def names_erased(record: Record, tombstones: Tombstones) -> bool:
    """Whether any field of a refused record is the id or address of somebody erased, whenever it happened."""
    return tombstones.suppresses(_texts(record), None)


def _texts(record: Record) -> Iterator[str]:
    try:
        yield from texts(orjson.loads(record.raw))
    except orjson.JSONDecodeError:
        yield from _QUOTED.findall(record.raw.decode("utf-8", "replace"))
    if record.original is not None:
        yield from texts([value for value in record.original[1] if isinstance(value, str | int | float)])


def _address(event: Event) -> str | None:
    """The e-mail address that an identify event states."""
    try:
        told: Any = orjson.loads(event.traits) if event.traits and "@" in event.traits else None
    except orjson.JSONDecodeError:
        return None
    email = told.get(c.EMAIL) if isinstance(told, dict) else None
    return email if isinstance(email, str) else None
