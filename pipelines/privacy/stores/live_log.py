"""The live event log: records of the person, whether or not ingest has read them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from contracts.logs.events import EventLog, StoredRecord, open_event_log
from contracts.privacy.erasable import DataClass, Person, ids_of
from contracts.settings import Settings

_READ_AT_ONCE: Final = 5_000


class LiveLogStore:
    """`Erasable`. Everything in it is either stored in the warehouse already or read by the next ingest."""

    name = "event log"
    data_class: DataClass = "log"
    files = ("events.sqlite*",)

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def export(self, person: Person) -> list[dict[str, Any]]:
        log = open_event_log(self._settings.events_url)
        try:
            return [_shown(found) for found in _records_of(log, person)]
        finally:
            log.close()

    def erase(self, person: Person) -> int:
        log = open_event_log(self._settings.events_url)
        try:
            return log.remove([found.cursor for found in _records_of(log, person)])
        finally:
            log.close()

    def expire(self, before: datetime) -> int:
        return 0  # ingest trims it by `event_log_days`


def _records_of(log: EventLog, person: Person) -> Iterator[StoredRecord]:
    block = log.read(0, _READ_AT_ONCE)
    while block:
        for found in block:
            if found.record.received_at <= person.until and _is_of(found.record.payload, person):
                yield found
        block = log.read(block[-1].cursor, _READ_AT_ONCE)


def _is_of(payload: bytes, person: Person) -> bool:
    found = ids_of(payload)
    return person.is_in(found) if found else person.is_named_in(payload)


def _shown(found: StoredRecord) -> dict[str, Any]:
    record = found.record
    return {
        "received_at": record.received_at,
        "source": record.source,
        "event": record.payload.decode("utf-8", "replace"),
    }
