"""The event log: one suite for every implementation; durability of the SQLite one."""

import os
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import apsw
import pytest

from contracts.errors import EventLogError, SettingsError
from contracts.logs.events import EventLog, LogRecord, SqliteEventLog, open_event_log

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def record(message_id: str) -> LogRecord:
    return LogRecord(message_id, b'{"n": "' + message_id.encode() + b'"}', NOW, "key-1")


class EventLogSuite(ABC):
    """What every event log promises; a subclass says how to open one (again)."""

    @abstractmethod
    def reopen(self) -> EventLog:
        """Open the same log, again."""

    @pytest.fixture
    def log(self) -> Iterator[EventLog]:
        log = self.reopen()
        yield log
        log.close()

    def test_records_come_back_in_order_and_whole(self, log: EventLog) -> None:
        records = [record(f"m{n}") for n in range(5)]
        assert log.append(records) == [True] * 5
        assert [stored.record for stored in log.read(0, 10)] == records

    def test_reading_goes_on_after_a_cursor(self, log: EventLog) -> None:
        log.append([record(f"m{n}") for n in range(5)])
        first = log.read(0, 2)
        rest = log.read(first[-1].cursor, 10)
        assert [stored.record.key for stored in first + rest] == [f"m{n}" for n in range(5)]
        assert log.read(rest[-1].cursor, 10) == []
        assert [log.count_after(cursor) for cursor in (0, first[-1].cursor, rest[-1].cursor)] == [5, 3, 0]

    def test_repeats_are_dropped_and_counted(self, log: EventLog) -> None:
        assert log.append([record("a"), record("a"), record("b")]) == [True, False, True]
        assert log.append([record("b")]) == [False]
        counts = log.counts()
        assert (counts.stored, counts.duplicate) == (2, 2)

    def test_what_was_stored_outlives_the_process(self, log: EventLog) -> None:
        log.append([record("a")])
        log.close()
        again = self.reopen()
        assert [stored.record for stored in again.read(0, 10)] == [record("a")]
        assert again.append([record("a")]) == [False]
        again.close()


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
from contracts.logs.events import LogRecord, SqliteEventLog

log = SqliteEventLog(Path(sys.argv[1]))
number = 0
while True:
    log.append([LogRecord(f"m{number}", b"{}", datetime.now(UTC), "k")])
    sys.stdout.write(f"m{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_an_unknown_scheme_is_refused_with_those_that_exist() -> None:
    with pytest.raises(SettingsError, match="sqlite"):
        open_event_log("carrier-pigeon://roof")
