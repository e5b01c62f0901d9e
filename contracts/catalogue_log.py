"""The item log: what the shop told the running service of its items, durable, for its workers and for ingest.

Of each item and each of its fields the last word stands in it, with a place that grows with every word.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from contracts import columns as c
from contracts.errors import StorageError

SCHEMA_VERSION: Final = 1
BUSY_TIMEOUT_MS: Final = 5_000


@dataclass(frozen=True)
class Word:
    """What was said last of one field of an item, a name of `columns.CATALOGUE`; `cursor` is its place in the log.

    Every item has a word on its own `item_id`, which says when it was spoken of last.
    """

    cursor: int
    item_id: str
    name: str
    value: Any
    told_at: datetime


class ItemLog:
    """An item log in one SQLite file, synced before every acknowledgement. Raises StorageError."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._connection = apsw.Connection(str(path))
            self._connection.set_busy_timeout(BUSY_TIMEOUT_MS)
            self._prepare(path)
        except apsw.Error as error:
            raise StorageError(f"cannot open the log of items {path}: {error}") from error

    def append(self, rows: Sequence[tuple[str, Mapping[str, Any]]], told_at: datetime) -> None:
        """Store what is said of each item id, field by field; all of it or nothing. Said attributes join the others."""
        at = round(told_at.timestamp() * 1_000_000)
        bindings = [
            (item_id, name, orjson.dumps(value).decode(), at)
            for item_id, stated in rows
            for name, value in {**stated, c.ITEM_ID: item_id}.items()
        ]
        with self._lock:
            try:
                self._tell_all(bindings)
            except apsw.Error as error:
                raise StorageError(f"the log of items did not accept {len(rows)} items: {error}") from error

    def read(self, after: int = 0) -> list[Word]:
        """The words behind the place `after`, in order."""
        with self._lock:
            try:
                rows: list[Any] = self._connection.execute(_READ, (after,)).fetchall()
            except apsw.Error as error:
                raise StorageError(f"the log of items cannot be read: {error}") from error
        return [
            Word(cursor, item_id, name, orjson.loads(value), datetime.fromtimestamp(at / 1_000_000, UTC))
            for cursor, item_id, name, value, at in rows
        ]

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    def _tell_all(self, bindings: Sequence[tuple[Any, ...]]) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.executemany(_TELL, bindings)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise

    def _prepare(self, path: Path) -> None:
        self._connection.execute("PRAGMA synchronous=FULL")
        version = self._connection.pragma("user_version")
        if version not in (0, SCHEMA_VERSION):
            raise StorageError(f"{path} has schema version {version}; this Shopkeeper writes {SCHEMA_VERSION}.")
        if version == 0:
            with self._connection:
                self._connection.execute(_SCHEMA)


_SCHEMA: Final = f"""
CREATE TABLE IF NOT EXISTS words (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    UNIQUE (item_id, name)
) STRICT;
PRAGMA user_version={SCHEMA_VERSION};
"""
# A new row, so that the cursor grows. RFC 7396: an object is laid over the one before, anything else replaces it.
_TELL: Final = """
INSERT OR REPLACE INTO words (item_id, name, value, told_at)
SELECT said.item_id, said.name, json_patch(coalesce(words.value, 'null'), said.value), said.told_at
FROM (SELECT ?1 AS item_id, ?2 AS name, ?3 AS value, ?4 AS told_at) AS said LEFT JOIN words USING (item_id, name)
"""
_READ: Final = "SELECT cursor, item_id, name, value, told_at FROM words WHERE cursor > ? ORDER BY cursor"
