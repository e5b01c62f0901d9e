"""The catalogue log: updates of items that the service accepted, stored durably for its workers and for ingest.

It holds the latest update of each field of each item, with a cursor that grows with every update.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import apsw
import orjson

from contracts import columns as c
from contracts.errors import StorageError
from contracts.logs.sqlite import Database, open_database, transaction
from contracts.time_units import from_microseconds, to_microseconds


@dataclass(frozen=True)
class FieldUpdate:
    """The latest value of one field of an item.

    Every item also has an update of its `item_id`, whose time is that of the item's latest update of any field.
    """

    cursor: int  # the place in the log
    item_id: str
    name: str  # of a column of `columns.CATALOGUE`
    value: Any
    updated_at: datetime


class CatalogueLog:
    """A catalogue log in one SQLite file, synced before every acknowledgement. Raises StorageError."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = open_database(path, _DATABASE)

    def append(self, rows: Sequence[tuple[str, Mapping[str, Any]]], updated_at: datetime) -> None:
        """Store the stated fields of each item id, all or nothing. Attributes are merged."""
        at = to_microseconds(updated_at)
        bindings = [
            (item_id, name, orjson.dumps(value).decode(), at)
            for item_id, stated in rows
            for name, value in {**stated, c.ITEM_ID: item_id}.items()
        ]
        with self._lock:
            try:
                with transaction(self._connection):
                    self._connection.executemany(_UPSERT, bindings)
            except apsw.Error as error:
                raise StorageError(f"the catalogue log did not accept {len(rows)} items: {error}") from error

    def read(self, after: int = 0) -> list[FieldUpdate]:
        """The updates after the cursor `after`, in order."""
        with self._lock:
            try:
                rows: list[Any] = self._connection.execute(_READ, (after,)).fetchall()
            except apsw.Error as error:
                raise StorageError(f"the catalogue log cannot be read: {error}") from error
        return [
            FieldUpdate(cursor, item_id, name, orjson.loads(value), from_microseconds(at))
            for cursor, item_id, name, value, at in rows
        ]

    def close(self) -> None:
        with self._lock:
            self._connection.close()


_TABLES: Final = """
CREATE TABLE IF NOT EXISTS words (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    told_at INTEGER NOT NULL,
    UNIQUE (item_id, name)
) STRICT;
"""
_DATABASE: Final = Database("catalogue log", 1, _TABLES, StorageError)
# A new row, so that the cursor grows. RFC 7396: an object is merged into the one before, anything else replaces it.
_UPSERT: Final = """
INSERT OR REPLACE INTO words (item_id, name, value, told_at)
SELECT new.item_id, new.name, json_patch(coalesce(words.value, 'null'), new.value), new.told_at
FROM (SELECT ?1 AS item_id, ?2 AS name, ?3 AS value, ?4 AS told_at) AS new LEFT JOIN words USING (item_id, name)
"""
_READ: Final = "SELECT cursor, item_id, name, value, told_at FROM words WHERE cursor > ? ORDER BY cursor"
