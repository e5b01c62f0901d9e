"""The quarantine: every refused record with its reason, so that nothing is lost silently."""

from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

import orjson

from contracts.errors import InvalidEvent
from contracts.events.parse import MAX_EVENT_BYTES
from pipelines.ingest.readers.record import Record

RECORD_KEY: Final = "record_key"


def quarantine_row(
    record: Record, error: InvalidEvent, origin: str, source: str, received_at: datetime
) -> tuple[Any, ...]:
    """A row of `columns.QUARANTINE`. Of a long record only the beginning is kept."""
    raw = record.raw if record.original is None else _as_json(record)
    shown = raw[:MAX_EVENT_BYTES].decode("utf-8", "backslashreplace")
    size = max(record.size, len(raw))
    if size > MAX_EVENT_BYTES:
        shown += f" … [cut; the record has {size:,} bytes]"
    key = blake2b(b"%d " % size + raw, digest_size=16).hexdigest()
    return key, error.code, str(error), shown, f"{origin}:{record.place}", source, received_at


def _as_json(record: Record) -> bytes:
    """A row of a foreign table, under the names of its own columns."""
    columns, values = record.original or ((), ())
    row: Any = dict(zip(columns, values, strict=True)) if len(columns) == len(values) else values
    try:
        return orjson.dumps(row, default=str)
    except TypeError:  # text that is not UTF-8, or keys that are not text
        return ascii(row).encode()
