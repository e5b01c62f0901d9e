"""What every event log promises: one suite, inherited for each implementation."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from contracts.logs.events import EventLog, LogRecord

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)


def record(message_id: str, received_at: datetime = NOW) -> LogRecord:
    return LogRecord(message_id, b'{"n": "' + message_id.encode() + b'"}', received_at, "key-1")


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

    def test_removed_records_are_gone_and_their_keys_are_known(self, log: EventLog) -> None:
        log.append([record(f"m{n}") for n in range(4)])
        cursors = [stored.cursor for stored in log.read(0, 10)]
        assert log.remove(cursors[1:3]) == 2
        assert log.remove(cursors[1:3]) == log.remove([]) == 0
        assert [stored.record.key for stored in log.read(0, 10)] == ["m0", "m3"]
        assert log.append([record("m1")]) == [False]

    def test_trimmed_records_are_gone_and_their_keys_are_known(self, log: EventLog) -> None:
        log.append([record(f"m{n}", NOW + timedelta(days=n)) for n in range(5)])
        cursors = [stored.cursor for stored in log.read(0, 10)]
        assert log.trim(cursors[3], NOW + timedelta(days=2)) == 2
        assert [stored.record.key for stored in log.read(0, 10)] == ["m2", "m3", "m4"]
        assert log.trim(cursors[3], NOW + timedelta(days=9)) == 1  # not those that nobody has read
        assert log.append([record("m0"), record("m4"), record("m5")]) == [False, False, True]
        assert log.counts().stored == 6
        assert log.read(0, 10)[-1].cursor > cursors[-1]

    def test_the_last_records_begin_after_a_cursor(self, log: EventLog) -> None:
        assert log.before_last(3) == 0
        log.append([record(f"m{n}") for n in range(5)])
        found = {size: [stored.record.key for stored in log.read(log.before_last(size), 10)] for size in (0, 3, 9)}
        assert found == {0: [], 3: ["m2", "m3", "m4"], 9: [f"m{n}" for n in range(5)]}
