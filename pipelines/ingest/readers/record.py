"""What a reader hands to ingest: one record of a foreign file or of the event log, on its way to become an event."""

from datetime import datetime
from typing import Any, NamedTuple

Original = tuple[tuple[str, ...], tuple[Any, ...]]  # column names and values of a row


class Refusal(NamedTuple):
    """Why a reader refuses a record: the quarantine's code, and a sentence for a person."""

    code: str
    reason: str


class Record(NamedTuple):
    """One JSON object of the event format, or the reason why there is none."""

    raw: bytes  # the JSON object; cut short where `size` says more
    place: int  # line, row or cursor, counted from 1
    size: int  # bytes that the record had
    refusal: Refusal | None = None  # where the reader itself refuses it
    original: Original | None = None  # the row behind `raw`, where the reader had to translate
    received_at: datetime | None = None  # where it differs from record to record
    source: str | None = None
