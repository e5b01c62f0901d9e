"""The record: what a reader passes to ingest, from a file or from the event log, before it is checked as an event."""

from datetime import datetime
from typing import Any, NamedTuple

Original = tuple[tuple[str, ...], tuple[Any, ...]]  # column names and values of a row


class Refusal(NamedTuple):
    """Why a reader refuses a record: the quarantine's code, and a sentence for people."""

    code: str
    reason: str


class Record(NamedTuple):
    """One JSON object of the event format, or the reason why there is none."""

    raw: bytes  # the JSON object; cut short where `size` says more
    place: int  # line, row or cursor, counted from 1
    size: int  # the record's full size in bytes
    refusal: Refusal | None = None  # set if the reader refuses the record
    original: Original | None = None  # the row that was translated to `raw`
    received_at: datetime | None = None  # if it differs from record to record
    source: str | None = None
