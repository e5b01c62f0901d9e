"""Staging: records are checked chunk by chunk and written to Parquet parts, before anything is merged.

A chunk is staged without knowing of any other, so that several processes can share the work.
"""

import gc
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from contracts import columns as c
from contracts.errors import InvalidEvent
from contracts.events import Event, event_rows, parse_event
from pipelines.quarantine import quarantine_row
from pipelines.readers.record import Record

CONTENT_HASH: Final = "content_hash"  # tells apart different events that came under one message id
SEQUENCE: Final = "sequence"  # number of the event within the call
CHUNK_RECORDS: Final = 10_000
SEQUENCES_PER_CHUNK: Final = 1 << 20

STORED: Final = pa.schema([*c.EVENT_LINES, pa.field(CONTENT_HASH, pa.int64(), nullable=False)])
STAGED: Final = pa.schema([*STORED, pa.field(SEQUENCE, pa.int64(), nullable=False)])

# What is remembered of an event whose sender refused analytics: who said what about consent, and when; no behaviour.
_WORD_COLUMNS: Final = (
    c.MESSAGE_ID,
    c.OCCURRED_AT,
    c.RECEIVED_AT,
    c.SOURCE,
    c.ANONYMOUS_ID,
    c.USER_ID,
    c.CONSENT_ANALYTICS,
    c.CONSENT_PERSONALIZATION,
    c.CONSENT_MARKETING,
    CONTENT_HASH,
)
WORDS: Final = pa.schema([STORED.field(name) for name in _WORD_COLUMNS])


@dataclass(frozen=True)
class Chunk:
    """Some records of one file, or of the event log."""

    number: int  # within the call
    origin: str  # the file's name, for the quarantine
    source: str
    received_at: datetime
    records: Sequence[Record]


@dataclass
class StagedChunk:
    """What became of a chunk's records; `accepted` are those that wait to be merged."""

    number: int
    received: int = 0
    accepted: int = 0
    suppressed: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)


def stage_chunk(chunk: Chunk, folder: Path) -> StagedChunk:
    """Check a chunk's records and write what they became to parts in `folder`."""
    with _without_collector():
        return _stage(chunk, folder)


def _stage(chunk: Chunk, folder: Path) -> StagedChunk:
    staged = StagedChunk(chunk.number, received=len(chunk.records))
    lines: list[tuple[Any, ...]] = []
    words: list[tuple[Any, ...]] = []
    refused: list[tuple[Any, ...]] = []
    sequence = chunk.number * SEQUENCES_PER_CHUNK
    for record in chunk.records:
        received_at, source = record.received_at or chunk.received_at, record.source or chunk.source
        try:
            event = _checked(record, received_at)
        except InvalidEvent as error:
            staged.quarantined[error.code] += 1
            refused.append(quarantine_row(record, error, chunk.origin, source, received_at))
            continue
        content = _content_hash(record.raw)
        if event.is_suppressed:
            staged.suppressed += 1
            words.append(_word(event, received_at, source, content))
            continue
        staged.accepted += 1
        sequence += 1
        lines.extend([(*row, content, sequence) for row in event_rows(event, received_at, source)])
    _write(folder / f"lines-{chunk.number:06}.parquet", STAGED, lines)
    _write(folder / f"words-{chunk.number:06}.parquet", WORDS, words)
    _write(folder / f"quarantine-{chunk.number:06}.parquet", c.QUARANTINE, refused)
    return staged


def _checked(record: Record, received_at: datetime) -> Event:
    if record.error is not None:
        raise record.error
    return parse_event(record.raw, received_at)


def _content_hash(raw: bytes) -> int:
    return int.from_bytes(blake2b(raw, digest_size=8).digest(), "little", signed=True)


def _word(event: Event, received_at: datetime, source: str, content: int) -> tuple[Any, ...]:
    identity = (event.anonymous_id, event.user_id)
    return (event.message_id, event.occurred_at, received_at, source, *identity, *event.consent, content)


def _write(path: Path, schema: pa.Schema, rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    columns = [pa.array(values, type=f.type) for f, values in zip(schema, zip(*rows, strict=True), strict=True)]
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="lz4")


@contextmanager
def _without_collector() -> Iterator[None]:
    """A chunk makes many tuples and no cycles; looking for cycles meanwhile costs a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
