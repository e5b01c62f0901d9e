"""The event log in a SQLite file: the suite, and what its file promises."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import apsw
import pytest

from contracts.errors import EventLogError
from contracts.logs.event_logs.sqlite import SqliteEventLog
from contracts.logs.events import KEYS_KEPT, EventLog, LogRecord, open_event_log
from tests.contracts.logs.event_logs.suite import NOW, EventLogSuite, record

VERSION_1 = """
CREATE TABLE records (
    cursor INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL UNIQUE, payload BLOB NOT NULL,
    received_at INTEGER NOT NULL, source TEXT NOT NULL
) STRICT;
CREATE TABLE counts (stored INTEGER NOT NULL, duplicate INTEGER NOT NULL) STRICT;
INSERT INTO records VALUES (3, 'a', x'7b7d', 1767268800000000, 'api:web');
INSERT INTO records VALUES (7, 'b', x'7b7d', 1767268800000000, 'api:web');
INSERT INTO counts VALUES (2, 5);
PRAGMA user_version=1;
"""


class TestSqliteEventLog(EventLogSuite):
    @pytest.fixture(autouse=True)
    def _path(self, tmp_path: Path) -> None:
        self.path = tmp_path / "events.sqlite"

    def reopen(self) -> EventLog:
        return open_event_log(f"sqlite://{self.path}")

    def test_a_failed_append_stores_nothing(self) -> None:
        log = SqliteEventLog(self.path)
        with pytest.raises(EventLogError):
            log.append([record("a"), LogRecord("b", "not bytes", NOW, "key-1")])  # type: ignore[arg-type]
        assert log.read(0, 10) == []
        assert log.append([record("a")]) == [True]
        log.close()

    def test_an_unknown_schema_is_refused(self) -> None:
        connection = apsw.Connection(str(self.path))
        connection.pragma("user_version", 99)
        connection.close()
        with pytest.raises(EventLogError, match="schema version 99"):
            SqliteEventLog(self.path)

    def test_keys_are_forgotten_after_their_time(self) -> None:
        log = SqliteEventLog(self.path)
        log.append([record("old"), record("new", NOW + timedelta(days=9))])
        log.trim(log.read(0, 10)[-1].cursor, NOW + KEYS_KEPT + timedelta(days=1))
        assert log.append([record("new"), record("old")]) == [False, True]
        log.close()

    def test_a_log_of_version_1_is_read_on(self) -> None:
        connection = apsw.Connection(str(self.path))
        connection.execute(VERSION_1)
        connection.close()
        log = SqliteEventLog(self.path)
        assert [stored.record.key for stored in log.read(0, 10)] == ["a", "b"]
        assert log.append([record("a"), record("c")]) == [False, True]
        assert [(stored.cursor, stored.record.key) for stored in log.read(7, 10)] == [(8, "c")]
        assert (log.counts().stored, log.counts().duplicate) == (3, 6)
        log.close()

    def test_nobody_else_may_read_the_file(self) -> None:
        log = SqliteEventLog(self.path)
        log.append([record("a")])
        modes = {path.name: path.stat().st_mode & 0o777 for path in self.path.parent.iterdir()}
        assert modes == dict.fromkeys(("events.sqlite", "events.sqlite-wal", "events.sqlite-shm"), 384)
        log.close()

    @pytest.mark.parametrize("act", [Path.unlink, lambda path: path.rename(path.with_suffix(".moved"))])
    def test_a_file_that_was_taken_away_loses_nothing_that_comes_later(self, act: Callable[[Path], object]) -> None:
        log = SqliteEventLog(self.path)
        log.append([record("a")])
        for suffix in ("", "-wal", "-shm"):
            act(self.path.with_name(self.path.name + suffix))
        assert log.append([record("b")]) == [True]
        again = SqliteEventLog(self.path)
        assert [stored.record.key for stored in again.read(0, 10)] == ["b"]
        log.close()
        again.close()

    def test_what_was_trimmed_is_overwritten_and_gives_its_place_back(self) -> None:
        log = SqliteEventLog(self.path)
        log.append([LogRecord(f"m{n}", b"canary-7f3a9 " * 100, NOW, "key-1") for n in range(1000)])
        log.close()
        before = self.path.stat().st_size
        log = SqliteEventLog(self.path)
        log.trim(1000, NOW + KEYS_KEPT)
        log.close()
        assert self.path.stat().st_size < before / 5
        assert self.path.read_bytes().count(b"canary-7f3a9") == 100  # of the last record, which nobody has read

    def test_acknowledged_records_survive_kill_9(self) -> None:
        process = subprocess.Popen(
            [sys.executable, "-c", _APPEND_FOR_EVER, str(self.path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().strip() for _ in range(50)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += process.stdout.read().split()
        process.wait()
        process.stdout.close()
        log = SqliteEventLog(self.path)
        stored = {entry.record.key for entry in log.read(0, 1_000_000)}
        log.close()
        assert set(acknowledged) <= stored
        # The control: an id that nobody acknowledged is not there.
        assert "never-sent" not in stored


_APPEND_FOR_EVER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from contracts.logs.event_logs.sqlite import SqliteEventLog
from contracts.logs.events import LogRecord

log = SqliteEventLog(Path(sys.argv[1]))
number = 0
while True:
    log.append([LogRecord(f"m{number}", b"{}", datetime.now(UTC), "k")])
    sys.stdout.write(f"m{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_of_a_removed_record_no_byte_is_left_beside_an_open_reader(tmp_path: Path) -> None:
    log, reader = SqliteEventLog(tmp_path / "events.sqlite"), SqliteEventLog(tmp_path / "events.sqlite")
    log.append([record("ada-lovelace"), record("bob")])
    assert reader.read(0, 10)
    assert any(b'{"n": "ada-lovelace"}' in path.read_bytes() for path in tmp_path.iterdir())
    log.remove([1])
    assert not any(b"ada-lovelace" in path.read_bytes() for path in tmp_path.iterdir())
    log.close()
    reader.close()
