from dataclasses import replace
from pathlib import Path

import apsw
import pytest

from contracts.errors import EventLogError
from contracts.logs import sqlite
from contracts.logs.sqlite import Database, open_database, transaction

PLAIN = Database("shelf", 3, "CREATE TABLE IF NOT EXISTS items (id TEXT NOT NULL) STRICT;", EventLogError)


def ids(connection: apsw.Connection) -> list[str]:
    return [str(item) for (item,) in connection.execute("SELECT id FROM items")]


@pytest.mark.parametrize(("use_wal", "journal"), [(True, "wal"), (False, "delete")])
def test_every_commit_is_synced(tmp_path: Path, use_wal: bool, journal: str) -> None:
    connection = open_database(tmp_path / "folder" / "a.sqlite", replace(PLAIN, use_wal=use_wal))
    assert connection.pragma("synchronous") == 2  # FULL
    assert connection.pragma("journal_mode") == journal


def test_a_write_ahead_log_shrinks_after_it_was_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "MAX_WAL_BYTES", 100_000)
    connection = open_database(tmp_path / "a.sqlite", replace(PLAIN, use_wal=True))
    with transaction(connection):
        connection.execute("INSERT INTO items VALUES (?)", ("x" * 1_000_000,))
    wal = tmp_path / "a.sqlite-wal"
    assert wal.stat().st_size > 1_000_000
    for _ in range(2):  # the first one is after the checkpoint, and begins the file anew
        connection.execute("PRAGMA wal_checkpoint(RESTART)")
        with transaction(connection):
            connection.execute("INSERT INTO items VALUES ('y')")
    assert wal.stat().st_size <= 100_000


def test_a_transaction_is_stored_whole_or_not_at_all(tmp_path: Path) -> None:
    connection = open_database(tmp_path / "a.sqlite", PLAIN)
    with transaction(connection):
        connection.execute("INSERT INTO items VALUES ('first')")
    with pytest.raises(apsw.ConstraintError), transaction(connection):
        connection.execute("INSERT INTO items VALUES ('second'); INSERT INTO items VALUES (NULL)")
    assert ids(connection) == ids(open_database(tmp_path / "a.sqlite", PLAIN)) == ["first"]


def test_another_version_is_refused(tmp_path: Path) -> None:
    open_database(tmp_path / "a.sqlite", PLAIN).close()
    with pytest.raises(EventLogError, match="schema version 3; this Shopkeeper writes 4"):
        open_database(tmp_path / "a.sqlite", replace(PLAIN, version=4))


def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(EventLogError, match="cannot open the shelf"):
        open_database(tmp_path / "a.sqlite", PLAIN)


def test_a_sqlite_with_the_wal_reset_bug_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: "3.40.1")
    with pytest.raises(EventLogError, match=r"3\.40\.1 can corrupt a write-ahead log; 3\.51\.3 or later"):
        open_database(tmp_path / "a.sqlite", replace(PLAIN, use_wal=True))
    open_database(tmp_path / "a.sqlite", PLAIN)  # the control: without a write-ahead log it is safe
