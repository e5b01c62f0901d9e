"""Check a chunk of records and write it to Parquet parts.

A chunk is staged without knowledge of the others, so that several processes can share the work.
"""

import gc
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts import columns as c
from contracts.errors import InvalidEvent
from contracts.events.parse import Event, parse_event
from contracts.events.refusal import consent_of_refused
from contracts.events.rows import event_rows
from contracts.events.rules import NO_RULES, EventRules
from contracts.privacy.tombstones import NO_TOMBSTONES, Tombstones
from pipelines.ingest.erased import is_of_erased, is_on_erased_device, names_erased
from pipelines.ingest.quarantine import quarantine_row
from pipelines.ingest.readers.record import Record
from pipelines.ingest.traits import kept_traits
from pipelines.warehouse.currency import AcceptedCurrencies
from pipelines.warehouse.item_aliases import SkuRow, stated_skus
from pipelines.warehouse.schemas import CONSENT_STATEMENTS, ITEM_SKUS, STAGED

SEQUENCES_PER_CHUNK: Final = 1 << 20

_CURRENCY: Final = c.EVENT_LINES.get_field_index(c.CURRENCY)
_STATISTICS: Final = [c.OCCURRED_AT]
_MOSTLY_CONSTANT: Final = (c.RECEIVED_AT, c.SOURCE)


@dataclass(frozen=True)
class Chunk:
    """Some records of one file, or of the event log."""

    number: int  # within the call
    origin: str  # the file's name, for the quarantine
    source: str
    received_at: datetime
    records: Iterable[Record]
    currencies: AcceptedCurrencies
    rules: EventRules = NO_RULES
    tombstones: Tombstones = NO_TOMBSTONES


@dataclass
class StagedChunk:
    """The counts of a staged chunk's records; duplicates are still among `accepted`."""

    number: int
    currency: str | None  # the store's, where it was known or an event stated it
    received: int = 0
    accepted: int = 0
    suppressed: int = 0
    erased: list[int] = field(default_factory=list)  # places of records that name people who were erased before
    quarantined: Counter[str] = field(default_factory=Counter)
    repaired: int = 0
    repairs: Counter[str] = field(default_factory=Counter)  # by field


def prepare_worker() -> None:
    """Keep pyarrow from importing pandas in a worker process, which does not need it."""
    sys.meta_path.insert(0, _NoPandas())


def stage_chunk(chunk: Chunk, folder: Path) -> StagedChunk:
    """Check a chunk's records and write parts to `folder`: event lines, SKUs, consent statements, quarantine rows."""
    with _without_collector():
        return _stage(chunk, folder)


class _NoPandas(MetaPathFinder):
    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("pandas is not imported in a worker process")


def _stage(chunk: Chunk, folder: Path) -> StagedChunk:
    currencies = chunk.currencies
    staged = StagedChunk(chunk.number, currencies.currency)
    accepted, consents, refused = _Part(), _Part(), _Part()
    skus: set[SkuRow] = set()
    for record in chunk.records:
        staged.received += 1
        received_at, source = record.received_at or chunk.received_at, record.source or chunk.source
        try:
            event = _checked(record, received_at, chunk, staged)
            rows = [] if event.is_suppressed else event_rows(event, received_at, source)
            if rows and rows[0][_CURRENCY] is not None:
                currencies = currencies.checked(rows[0][_CURRENCY], event.occurred_at)
        except InvalidEvent as error:
            if isinstance(error, _ErasedBefore) or names_erased(record, chunk.tombstones):
                staged.suppressed += 1
                staged.erased.append(record.place)
                continue
            statement = consent_of_refused(record.raw, received_at, chunk.rules, is_live=_is_live(record))
            if statement is not None:
                consents.add(record.raw, [_consent_statement(statement, received_at, source)])
                if statement.is_suppressed:  # nothing else of it is kept
                    staged.suppressed += 1
                    continue
            staged.quarantined[error.code] += 1
            refused.add(record.raw, [quarantine_row(record, error, chunk.origin, source, received_at)])
            continue
        if event.repairs:
            staged.repaired += 1
            staged.repairs.update(set(event.repairs))
        if event.is_suppressed:
            staged.suppressed += 1
            consents.add(record.raw, [_consent_statement(event, received_at, source)])
        else:
            accepted.add(record.raw, rows)
            skus.update(stated_skus(event, source))
    staged.currency = currencies.currency
    staged.accepted = len(accepted.raws)
    sequences = np.arange(staged.accepted) + chunk.number * SEQUENCES_PER_CHUNK
    lines = accepted.columns(accepted.content_hashes(), sequences)
    statements = consents.columns(consents.content_hashes())
    _write(folder / f"lines-{chunk.number:06}.parquet", STAGED, lines)
    _write(folder / f"consent-{chunk.number:06}.parquet", CONSENT_STATEMENTS, statements)
    _write(folder / f"quarantine-{chunk.number:06}.parquet", c.QUARANTINE, refused.columns())
    _write(folder / f"skus-{chunk.number:06}.parquet", ITEM_SKUS, list(zip(*sorted(skus), strict=True)))
    return staged


class _Part:
    """Rows of a part, and the records that they came from."""

    def __init__(self) -> None:
        self.raws: list[bytes] = []
        self._sizes: list[int] = []  # rows per record
        self._rows: list[tuple[Any, ...]] = []

    def add(self, raw: bytes, rows: list[tuple[Any, ...]]) -> None:
        self.raws.append(raw)
        self._sizes.append(len(rows))
        self._rows.extend(rows)

    def content_hashes(self) -> np.ndarray:
        """(records,) int64: a hash of each record's bytes for which nobody can make other bytes."""
        return np.frombuffer(b"".join(blake2b(raw, digest_size=8).digest() for raw in self.raws), np.int64)

    def columns(self, *per_record: np.ndarray) -> list[Any]:
        """The rows' columns, then columns with one value per record."""
        repeated = [np.repeat(values, self._sizes) for values in per_record]
        return [*zip(*self._rows, strict=True), *repeated] if self._rows else []


class _ErasedBefore(InvalidEvent):
    """The event is that of a person who was erased after it happened."""


def _checked(record: Record, received_at: datetime, chunk: Chunk, staged: StagedChunk) -> Event:
    if record.refusal is not None:
        raise InvalidEvent(*record.refusal)
    event = parse_event(record.raw, received_at, chunk.rules, is_live=_is_live(record))
    if event.traits is not None:
        event = msgspec.structs.replace(event, traits=kept_traits(event.traits))
    if not chunk.tombstones:
        return event
    if is_of_erased(event, chunk.tombstones):
        raise _ErasedBefore("erased", "the person was erased after this event.")
    if is_on_erased_device(event, chunk.tombstones):
        staged.erased.append(record.place)
        return msgspec.structs.replace(event, anonymous_id=None)
    return event


def _is_live(record: Record) -> bool:
    """Whether the service received the record; of a file, the time of receipt is that of the ingest."""
    return record.received_at is not None


def _consent_statement(event: Event, received_at: datetime, source: str) -> tuple[Any, ...]:
    identity = (event.anonymous_id, event.user_id)
    return (event.message_id, event.occurred_at, received_at, source, *identity, *event.consent)


def _write(path: Path, schema: pa.Schema, columns: list[Any]) -> None:
    if not columns:
        return
    arrays = [_array(field, values) for field, values in zip(schema, columns, strict=True)]
    table = pa.Table.from_arrays(arrays, schema=schema)
    # These files are read once: no dictionaries, and statistics only of columns that are filtered.
    pq.write_table(table, path, compression="lz4", use_dictionary=False, write_statistics=_STATISTICS)


def _array(field: pa.Field, values: Any) -> pa.Array:
    if field.name in _MOSTLY_CONSTANT and values.count(values[0]) == len(values):
        return pa.repeat(pa.scalar(values[0], field.type), len(values))
    return pa.array(values, type=field.type)


@contextmanager
def _without_collector() -> Iterator[None]:
    """A chunk makes many tuples and no cycles; the search for cycles takes a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
