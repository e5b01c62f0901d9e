"""The live event log: events that the service accepted, stored durably before it acknowledges them.

An event log stores one record per key and returns records in order after a cursor. The scheme of its URL selects the
implementation.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

import apsw

from contracts.errors import EventLogError, SettingsError
from contracts.logs.sqlite import Database, open_database, transaction
from contracts.settings import url_path, url_scheme
from contracts.time_units import from_microseconds, to_microseconds


@dataclass(frozen=True)
class LogRecord:
    """One accepted event: the bytes of its JSON object, the time of receipt, and the source that it came from.

    `key` is what `sources.log_key` makes of the source and the message id.
    """

    key: str
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
    """How many records were stored, and how many duplicates were dropped, since the log was created."""

    stored: int
    duplicate: int


class EventLog(Protocol):
    """A durable, ordered log without duplicates."""

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        """Store the new records durably; returns for each record whether it was new. Raises EventLogError."""

    def read(self, after: int, limit: int) -> list[StoredRecord]:
        """At most `limit` records after the cursor `after` (0: from the beginning), in order. Raises EventLogError."""

    def count_after(self, cursor: int) -> int:
        """How many records `read` would give after the cursor, without a limit."""

    def counts(self) -> LogCounts:
        """Totals since the log was created. Raises EventLogError."""

    def close(self) -> None:
        """Release the log; nothing acknowledged is lost."""


class SqliteEventLog:
    """An event log in one SQLite file: write-ahead log, synced before every acknowledgement."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = open_database(path, _DATABASE)

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        with self._lock:
            try:
                return self._insert_all(records)
            except apsw.Error as error:
                raise EventLogError(f"the event log did not accept {len(records)} records: {error}") from error

    def read(self, after: int, limit: int) -> list[StoredRecord]:
        with self._lock:
            rows = self._query(_READ, (after, limit))
        return [
            StoredRecord(cursor, LogRecord(key, payload, from_microseconds(received_at), source))
            for cursor, key, payload, received_at, source in rows
        ]

    def count_after(self, cursor: int) -> int:
        with self._lock:
            ((count,),) = self._query("SELECT count(*) FROM records WHERE cursor > ?", (cursor,))
        return int(count)

    def counts(self) -> LogCounts:
        with self._lock:
            ((stored, duplicate),) = self._query("SELECT stored, duplicate FROM counts")
        return LogCounts(stored, duplicate)

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _query(self, statement: str, bindings: tuple[int, ...] = ()) -> list[Any]:
        try:
            return self._connection.execute(statement, bindings).fetchall()
        except apsw.Error as error:
            raise EventLogError(
                f"the event log cannot be read: {error}. Restore it from a backup; or stop the service and move the "
                "file away: a new log is started, and the events that only the old one has are lost."
            ) from error

    def _insert_all(self, records: Sequence[LogRecord]) -> list[bool]:
        with transaction(self._connection):
            is_new = [self._insert(record) for record in records]
            stored = sum(is_new)
            self._connection.execute(_COUNT, (stored, len(is_new) - stored))
        return is_new

    def _insert(self, record: LogRecord) -> bool:
        row = (record.key, record.payload, to_microseconds(record.received_at), record.source)
        self._connection.execute("INSERT OR IGNORE INTO records VALUES (NULL, ?, ?, ?, ?)", row)
        return self._connection.changes() == 1


_TABLES: Final = """
CREATE TABLE IF NOT EXISTS records (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    payload BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    source TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS counts (stored INTEGER NOT NULL, duplicate INTEGER NOT NULL) STRICT;
INSERT INTO counts SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM counts);
"""
_DATABASE: Final = Database("event log", 1, _TABLES, EventLogError, use_wal=True)
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
