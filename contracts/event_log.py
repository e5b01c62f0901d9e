"""The live event log: what the service accepted and ingest has not read yet, durable before it is acknowledged.

An event log appends records once per message id and hands them out in order after a cursor. Which implementation is
used, the URL's scheme says.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, Protocol

import apsw

from contracts.errors import EventLogError, SettingsError
from contracts.settings import url_path, url_scheme

# The WAL-reset bug can corrupt a database that several connections use: https://sqlite.org/wal.html#walresetbug
FIRST_SAFE_SQLITE: Final = (3, 51, 3)
SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_MS: Final = 5_000


@dataclass(frozen=True)
class LogRecord:
    """One accepted event as it came: the JSON object's bytes, when, and through which key."""

    message_id: str
    payload: bytes
    received_at: datetime
    source: str


@dataclass(frozen=True)
class StoredRecord:
    """A record with its place in the log."""

    cursor: int
    record: LogRecord


@dataclass(frozen=True)
class LogCounts:
    """How many records were ever stored, and how many repeats were dropped."""

    stored: int
    duplicate: int


class EventLog(Protocol):
    """Durable, deduplicating, ordered."""

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        """Store what is new, durably; for each record, whether it was new. Raises EventLogError."""

    def read(self, after: int, limit: int) -> list[StoredRecord]:
        """At most `limit` records behind the cursor `after` (0: from the beginning), in order."""

    def counts(self) -> LogCounts:
        """Totals since the log was created."""

    def close(self) -> None:
        """Release the log; nothing acknowledged is lost."""


class SqliteEventLog:
    """An event log in one SQLite file: write-ahead log, synced before every acknowledgement."""

    def __init__(self, path: Path) -> None:
        version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
        if version < FIRST_SAFE_SQLITE:
            raise EventLogError(
                f"SQLite {apsw.sqlite_lib_version()} can corrupt a write-ahead log; {FIRST_SAFE_SQLITE} or later is "
                "needed. Install a newer apsw."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._connection = apsw.Connection(str(path))
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            self._prepare(path)
        except apsw.Error as error:
            raise EventLogError(f"cannot open the event log {path}: {error}") from error

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        with self._lock:
            try:
                return self._insert_all(records)
            except apsw.Error as error:
                raise EventLogError(f"the event log did not accept {len(records)} records: {error}") from error

    def read(self, after: int, limit: int) -> list[StoredRecord]:
        with self._lock:
            rows: list[Any] = self._connection.execute(_READ, (after, limit)).fetchall()
        return [
            StoredRecord(cursor, LogRecord(message_id, payload, _from_microseconds(received_at), source))
            for cursor, message_id, payload, received_at, source in rows
        ]

    def counts(self) -> LogCounts:
        with self._lock:
            row: Any = self._connection.execute("SELECT stored, duplicate FROM counts").fetchone()
        return LogCounts(*row)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _prepare(self, path: Path) -> None:
        connection = self._connection
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        version = connection.pragma("user_version")
        if version not in (0, SCHEMA_VERSION):
            raise EventLogError(f"{path} has schema version {version}; this Shopkeeper writes {SCHEMA_VERSION}.")
        if version == SCHEMA_VERSION:
            return
        with connection:
            connection.execute(_SCHEMA)

    def _insert_all(self, records: Sequence[LogRecord]) -> list[bool]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            is_new = [self._insert(record) for record in records]
            stored = sum(is_new)
            self._connection.execute(_COUNT, (stored, len(is_new) - stored))
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return is_new

    def _insert(self, record: LogRecord) -> bool:
        row = (record.message_id, record.payload, _to_microseconds(record.received_at), record.source)
        self._connection.execute("INSERT OR IGNORE INTO records VALUES (NULL, ?, ?, ?, ?)", row)
        return self._connection.changes() == 1


_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS records (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    payload BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    source TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS counts (stored INTEGER NOT NULL, duplicate INTEGER NOT NULL) STRICT;
INSERT INTO counts SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM counts);
PRAGMA user_version={SCHEMA_VERSION};
"""
_READ: Final = (
    "SELECT cursor, message_id, payload, received_at, source FROM records WHERE cursor > ? ORDER BY cursor LIMIT ?"
)
_COUNT: Final = "UPDATE counts SET stored = stored + ?, duplicate = duplicate + ?"

EVENT_LOGS: Final[dict[str, Callable[[str], EventLog]]] = {"sqlite": lambda url: SqliteEventLog(url_path(url))}


def open_event_log(url: str) -> EventLog:
    """The event log that a URL names."""
    factory = EVENT_LOGS.get(url_scheme(url))
    if factory is None:
        raise SettingsError(f"events = {url!r}: the scheme must be one of {', '.join(EVENT_LOGS)}.")
    return factory(url)


def _to_microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


def _from_microseconds(value: int) -> datetime:
    return datetime.fromtimestamp(value / 1_000_000, UTC)
