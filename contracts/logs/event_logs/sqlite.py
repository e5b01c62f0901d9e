"""The event log in one SQLite file, synced before every acknowledgement.

What was accepted is found again by a keyed hash of its key, for as long as `KEYS_KEPT` says, also after the record was
trimmed. The hash's own key is random and stays in the file, so that nobody can make two keys of one hash.

A failed sync may leave pages that the system takes for written, and that a power cut loses (Rebello et al., Can
Applications Recover from fsync Failures?, ATC 2020). So after any error of the disk the file is closed, and nothing is
accepted until it was opened again and all that it holds was written and synced anew.
"""

import os
import threading
from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final

import apsw

from contracts.errors import EventLogError
from contracts.logs.events import KEYS_KEPT, LogCounts, LogRecord, StoredRecord
from contracts.logs.sqlite import Database, open_database, transaction
from contracts.time_units import MICROSECONDS_PER_DAY, from_microseconds, to_microseconds

HASH_BYTES: Final = 16
_DISK_ERRORS: Final = (apsw.IOError, apsw.CorruptError, apsw.NotADBError, apsw.CantOpenError)


class SqliteEventLog:
    """An event log in one SQLite file: write-ahead log, synced before every acknowledgement."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._connection: apsw.Connection | None = None
        self._is_closed = False
        self._secret = b""
        self._is_synced = False  # whether all that the file holds is known to be on the disk
        self._open()

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        with self._lock:
            try:
                return self._insert_all(self._reliable(), records)
            except _DISK_ERRORS as error:
                self._close()
                raise EventLogError(f"the event log did not accept {len(records)} records: {error}") from error
            except apsw.Error as error:
                raise EventLogError(f"the event log did not accept {len(records)} records: {error}") from error

    def read(self, after: int, limit: int) -> list[StoredRecord]:
        rows = self._query(_READ, (after, limit))
        return [
            StoredRecord(cursor, LogRecord(key, payload, from_microseconds(received_at), source))
            for cursor, key, payload, received_at, source in rows
        ]

    def count_after(self, cursor: int) -> int:
        ((count,),) = self._query("SELECT count(*) FROM records WHERE cursor > ?", (cursor,))
        return int(count)

    def counts(self) -> LogCounts:
        ((stored, duplicate),) = self._query("SELECT stored, duplicate FROM counts")
        return LogCounts(stored, duplicate)

    def before_last(self, records: int) -> int:
        ((last,),) = self._query("SELECT coalesce(max(cursor), 0) FROM records")
        return max(0, int(last) - records)

    def trim(self, before: int, received_before: datetime) -> int:
        until = to_microseconds(received_before)
        with self._lock:
            try:
                connection = self._reliable()
                with transaction(connection):
                    connection.execute("DELETE FROM records WHERE cursor < ? AND received_at < ?", (before, until))
                    trimmed = connection.changes()
                    forgotten = until - KEYS_KEPT.days * MICROSECONDS_PER_DAY
                    connection.execute("DELETE FROM seen WHERE received_at < ?", (forgotten,))
                connection.execute("PRAGMA incremental_vacuum").fetchall()
            except apsw.Error as error:
                raise EventLogError(f"the event log could not be trimmed: {error}") from error
        return trimmed

    def remove(self, cursors: Sequence[int]) -> int:
        removed = 0
        with self._lock:
            try:
                connection = self._reliable()
                with transaction(connection):
                    for cursor in cursors:
                        connection.execute("DELETE FROM records WHERE cursor = ?", (cursor,))
                        removed += connection.changes()
                connection.execute("PRAGMA incremental_vacuum").fetchall()
                # The write-ahead log still has the pages as they were.
                ((is_busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            except apsw.Error as error:
                raise EventLogError(f"the event log could not be erased from: {error}") from error
        if is_busy:
            raise EventLogError("the event log's write-ahead log is being read; run this again.")
        return removed

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
            self._close()

    def _query(self, statement: str, bindings: tuple[int, ...] = ()) -> list[Any]:
        with self._lock:
            try:
                return self._opened().execute(statement, bindings).fetchall()
            except apsw.Error as error:
                raise EventLogError(
                    f"the event log cannot be read: {error}. Restore it from a backup; or stop the service and move "
                    "the file away: a new log is started, and the events that only the old one has are lost."
                ) from error

    def _open(self) -> apsw.Connection:
        self._connection = open_database(self._path, _DATABASE)
        self._secret = _secret(self._connection)
        self._file = _identity(self._path)
        return self._connection

    def _opened(self) -> apsw.Connection:
        """The connection to the file that has the log's name now: events in a deleted file would be lost."""
        if self._is_closed:
            raise apsw.ConnectionClosedError("the event log was closed")
        if self._connection is not None and self._file != _identity(self._path):
            self._close()
        return self._connection or self._open()

    def _reliable(self) -> apsw.Connection:
        """The connection, after all that the file holds was synced."""
        connection = self._opened()
        if not self._is_synced:
            # What a failed sync has left is written anew, into the main file, and synced with it.
            ((is_busy, _, _),) = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            if is_busy:
                raise apsw.BusyError("the write-ahead log is in use")
            self._is_synced = True
        return connection

    def _close(self) -> None:
        connection, self._connection, self._is_synced = self._connection, None, False
        if connection is not None:
            connection.close(True)

    def _insert_all(self, connection: apsw.Connection, records: Sequence[LogRecord]) -> list[bool]:
        with transaction(connection):
            is_new = [self._insert(connection, record) for record in records]
            stored = sum(is_new)
            connection.execute(_COUNT, (stored, len(is_new) - stored))
        return is_new

    def _insert(self, connection: apsw.Connection, record: LogRecord) -> bool:
        received_at = to_microseconds(record.received_at)
        connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?)", (_hash(record.key, self._secret), received_at))
        if connection.changes() == 0:
            return False
        row = (record.key, record.payload, received_at, record.source)
        connection.execute("INSERT INTO records VALUES (NULL, ?, ?, ?, ?)", row)
        return True


def _secret(connection: apsw.Connection) -> bytes:
    """The key of this file's hashes."""
    rows: list[Any] = connection.execute("SELECT secret FROM hashing").fetchall()
    return bytes(rows[0][0])


def _hash(key: str, secret: bytes) -> bytes:
    return blake2b(key.encode(), digest_size=HASH_BYTES, key=secret).digest()


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file has this name; None where there is none. A file that was deleted or replaced would lose events."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def _from_version_1(connection: apsw.Connection) -> None:
    """Version 1 had every key in the table of the records, and no hash."""
    connection.execute(f"ALTER TABLE records RENAME TO old;{_TABLES}")
    secret = _secret(connection)
    connection.create_scalar_function("hashed", lambda *key: _hash(str(key[0]), secret), 1, deterministic=True)
    connection.execute("INSERT INTO records SELECT cursor, message_id, payload, received_at, source FROM old")
    connection.execute("INSERT OR IGNORE INTO seen SELECT hashed(message_id), received_at FROM old; DROP TABLE old")


_TABLES: Final = """
CREATE TABLE records (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    payload BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    source TEXT NOT NULL
) STRICT;
CREATE TABLE seen (hash BLOB PRIMARY KEY, received_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE hashing (secret BLOB NOT NULL) STRICT;
INSERT INTO hashing VALUES (randomblob(32));
CREATE TABLE IF NOT EXISTS counts (stored INTEGER NOT NULL, duplicate INTEGER NOT NULL) STRICT;
INSERT INTO counts SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM counts);
"""
_DATABASE: Final = Database("event log", 2, _TABLES, EventLogError, use_wal=True, upgrades={1: _from_version_1})
_READ: Final = "SELECT cursor, key, payload, received_at, source FROM records WHERE cursor > ? ORDER BY cursor LIMIT ?"
_COUNT: Final = "UPDATE counts SET stored = stored + ?, duplicate = duplicate + ?"
