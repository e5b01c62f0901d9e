import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from contracts.event_log import LogRecord, SqliteEventLog
from serving.events import log_follower
from serving.events.envelope import Incoming, prepare
from serving.events.log_follower import EventTail
from serving.state.sessions import LiveVisits

NOW = datetime.now(UTC)


def incoming(item: str, received_at: datetime = NOW, **consent: bool) -> Incoming:
    raw = {"type": "track", "messageId": f"m-{item}", "userId": "u", "event": "Product Viewed"}
    raw |= {"properties": {"product_id": item}, "context": {"consent": {"categoryPreferences": consent}}}
    return prepare(orjson.dumps(raw), None, None, received_at)


def store(log: SqliteEventLog, event: Incoming, received_at: datetime = NOW) -> list[bool]:
    return log.append([LogRecord(event.key, event.payload, received_at, "test")])


def viewed(visits: LiveVisits) -> list[str]:
    return [deed.item_id for deed in visits.session(["u"], NOW)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@pytest.fixture
def log(path: Path) -> SqliteEventLog:
    return SqliteEventLog(path)


def test_what_another_worker_stores_is_noted_once(path: Path, log: SqliteEventLog) -> None:
    visits = LiveVisits()
    tail = EventTail(SqliteEventLog(path), visits)
    store(log, incoming("tea"))
    tail.catch_up()
    tail.catch_up()
    assert viewed(visits) == ["tea"]


@pytest.mark.parametrize("is_read_first", [False, True])
def test_what_this_worker_stores_is_noted_once_whoever_comes_first(
    path: Path, log: SqliteEventLog, is_read_first: bool
) -> None:
    visits = LiveVisits()
    tail = EventTail(SqliteEventLog(path), visits)
    event = incoming("tea")
    tail.claim([event, event])
    is_new = [*store(log, event), *store(log, event)]
    if is_read_first:
        tail.catch_up()
    tail.note([event, event], is_new, NOW)
    assert viewed(visits) == ["tea"]
    tail.catch_up()
    assert viewed(visits) == ["tea"]


def test_without_the_claim_it_would_be_noted_twice(path: Path, log: SqliteEventLog) -> None:
    visits = LiveVisits()
    tail = EventTail(SqliteEventLog(path), visits)
    event = incoming("tea")
    tail.note([event], store(log, event), NOW)
    tail.catch_up()
    assert viewed(visits) == ["tea", "tea"]


def test_a_restart_ends_no_visit_and_forgets_no_refusal(path: Path, log: SqliteEventLog) -> None:
    long_ago = NOW - timedelta(hours=5)
    store(log, incoming("old", long_ago), long_ago)
    store(log, incoming("tea"))
    visits = LiveVisits()
    EventTail(SqliteEventLog(path), visits).catch_up()
    assert viewed(visits) == ["tea"]
    store(log, incoming("refused", long_ago, personalization=False), long_ago)
    again = LiveVisits()
    EventTail(SqliteEventLog(path), again).catch_up()
    assert again.has_refused(["u"])


def test_a_start_reads_back_only_so_far(path: Path, log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "READ_BACK", 2)
    monkeypatch.setattr(log_follower, "BLOCK_RECORDS", 1)
    for item in ("a", "b", "c"):
        store(log, incoming(item))
    visits = LiveVisits()
    EventTail(SqliteEventLog(path), visits).catch_up()
    assert viewed(visits) == ["b", "c"]


def test_what_is_no_event_is_passed_over(path: Path, log: SqliteEventLog) -> None:
    log.append([LogRecord("bad", b"{", NOW, "test")])
    store(log, incoming("tea"))
    visits = LiveVisits()
    EventTail(SqliteEventLog(path), visits).catch_up()
    assert viewed(visits) == ["tea"]


def test_a_log_that_cannot_be_read_is_said_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = SqliteEventLog(path)
    tail = EventTail(own, LiveVisits())
    own.close()
    with caplog.at_level(logging.ERROR):
        tail.catch_up()
        tail.catch_up()
    assert len([entry for entry in caplog.records if "live visits" in entry.message]) == 1


def test_a_closed_tail_reads_no_more(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tail = EventTail(SqliteEventLog(path), LiveVisits())
    tail.close()
    with caplog.at_level(logging.ERROR):
        tail.catch_up()
    assert not caplog.records
