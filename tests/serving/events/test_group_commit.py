import asyncio
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from contracts.errors import EventLogError
from contracts.logs.event_logs.sqlite import SqliteEventLog
from contracts.logs.events import LogRecord
from serving.events import group_commit
from serving.events.group_commit import EventWriter

NOW = datetime(2025, 1, 1, tzinfo=UTC)


def record(number: int) -> LogRecord:
    return LogRecord(f"message-{number}", b"{}", NOW, "test")


class SlowLog(SqliteEventLog):
    """A real log whose first commit waits until it is let go; counts its commits."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.commits: list[int] = []
        self.may_go = threading.Event()
        self.error: Exception | None = None

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        self.may_go.wait(10)
        if self.error is not None:
            raise self.error
        self.commits.append(len(records))
        return super().append(records)


@pytest.fixture
def log(tmp_path: Path) -> SlowLog:
    return SlowLog(tmp_path / "events.sqlite")


def test_requests_that_wait_share_one_commit_and_each_gets_its_own_answer(log: SlowLog) -> None:
    async def scenario() -> list[list[bool]]:
        writer = EventWriter(log)
        first = asyncio.create_task(writer.append([record(0)]))
        await asyncio.sleep(0.05)
        others = [asyncio.create_task(writer.append([record(n), record(0)])) for n in range(1, 51)]
        await asyncio.sleep(0.05)
        assert not first.done()  # nothing is confirmed before it is committed
        log.may_go.set()
        answers = await asyncio.gather(first, *others)
        counts = log.counts()
        assert (counts.stored, counts.duplicate) == (51, 50)
        writer.close()
        return answers

    answers = asyncio.run(scenario())
    assert answers == [[True], *[[True, False]] * 50]
    assert log.commits == [1, 100]


@pytest.mark.parametrize("error", [EventLogError("disk full"), OSError("odd")])
def test_a_failed_commit_confirms_nobody_and_the_next_one_works(log: SlowLog, error: Exception) -> None:
    async def scenario() -> None:
        writer = EventWriter(log)
        log.error = error
        log.may_go.set()
        for outcome in await asyncio.gather(*(writer.append([record(n)]) for n in range(3)), return_exceptions=True):
            assert isinstance(outcome, EventLogError)
        log.error = None
        assert await writer.append([record(0)]) == [True]
        writer.close()

    asyncio.run(scenario())


def test_a_disk_that_does_not_keep_up_is_said_so_at_once(log: SlowLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_commit, "MAX_WAITING_RECORDS", 2)

    async def scenario() -> None:
        writer = EventWriter(log)
        waiting = asyncio.create_task(writer.append([record(0), record(1)]))
        await asyncio.sleep(0)
        with pytest.raises(EventLogError, match="wait"):
            await writer.append([record(2)])
        log.may_go.set()
        assert await waiting == [True, True]
        assert await writer.append([record(2)]) == [True]
        writer.close()

    asyncio.run(scenario())


def test_a_sender_who_went_away_does_not_stop_the_writer(log: SlowLog) -> None:
    async def scenario() -> None:
        writer = EventWriter(log)
        gone = asyncio.create_task(writer.append([record(0)]))
        await asyncio.sleep(0.05)
        gone.cancel()
        log.may_go.set()
        assert await writer.append([record(1)]) == [True]
        assert log.counts().stored == 2
        writer.close()

    asyncio.run(scenario())


def test_closing_writes_what_still_waits(log: SlowLog, tmp_path: Path) -> None:
    async def scenario() -> None:
        writer = EventWriter(log)
        waiting = asyncio.create_task(writer.append([record(0)]))
        await asyncio.sleep(0.05)
        log.may_go.set()
        await asyncio.to_thread(writer.close)
        assert await waiting == [True]

    asyncio.run(scenario())
    assert SqliteEventLog(tmp_path / "events.sqlite").counts().stored == 1
