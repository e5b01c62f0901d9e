import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest

from contracts.events.rules import NO_RULES
from contracts.logs.event_logs.sqlite import SqliteEventLog
from contracts.logs.events import LogRecord
from serving.events import log_follower
from serving.events.envelope import Incoming, Shared, prepare
from serving.events.log_follower import LogFollower
from serving.state.sessions import MemorySessionStore

NOW = datetime.now(UTC)


def incoming(item: str, received_at: datetime = NOW, **consent: bool) -> Incoming:
    raw = {"type": "track", "messageId": f"m-{item}", "userId": "u", "event": "Product Viewed"}
    raw |= {"properties": {"product_id": item}, "context": {"consent": {"categoryPreferences": consent}}}
    return prepare(orjson.dumps(raw), Shared(None, None, b""), received_at, "api:web", NO_RULES)


def store(log: SqliteEventLog, event: Incoming, received_at: datetime = NOW) -> list[bool]:
    return log.append([LogRecord(event.key, event.payload, received_at, "test")])


def viewed(sessions: MemorySessionStore) -> list[str]:
    return [action.item_id for action in sessions.session(["u"], NOW)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "events.sqlite"


@pytest.fixture
def log(path: Path) -> SqliteEventLog:
    return SqliteEventLog(path)


def test_an_event_of_another_worker_is_recorded_once(path: Path, log: SqliteEventLog) -> None:
    sessions = MemorySessionStore()
    follower = LogFollower(SqliteEventLog(path), sessions, NO_RULES)
    store(log, incoming("tea"))
    follower.catch_up()
    follower.catch_up()
    assert viewed(sessions) == ["tea"]


@pytest.mark.parametrize("is_read_first", [False, True])
def test_an_own_event_is_recorded_once_whoever_comes_first(
    path: Path, log: SqliteEventLog, is_read_first: bool
) -> None:
    sessions = MemorySessionStore()
    follower = LogFollower(SqliteEventLog(path), sessions, NO_RULES)
    event = incoming("tea")
    is_new = [*store(log, event), *store(log, event)]
    if is_read_first:
        follower.catch_up()
    follower.record([event, event], is_new, NOW)
    assert viewed(sessions) == ["tea"]
    follower.catch_up()
    assert viewed(sessions) == ["tea"]


def test_an_event_that_another_worker_stored_counts_though_it_is_retried_here(path: Path, log: SqliteEventLog) -> None:
    sessions = MemorySessionStore()
    follower = LogFollower(SqliteEventLog(path), sessions, NO_RULES)
    event = incoming("tea")
    store(log, event)  # by another worker
    follower.record([event], store(log, event), NOW)  # the retry, before the log is read again
    follower.catch_up()
    assert viewed(sessions) == ["tea"]


def test_what_is_remembered_of_recorded_events_is_bounded(
    path: Path, log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_follower, "MAX_RECORDED", 1)
    sessions = MemorySessionStore()
    follower = LogFollower(SqliteEventLog(path), sessions, NO_RULES)
    first, second = incoming("tea"), incoming("cup")
    for event in (first, second):
        follower.record([event], store(log, event), NOW)
    follower.catch_up()
    assert sorted(viewed(sessions)) == ["cup", "cup", "tea", "tea"]  # the price of forgetting


def test_a_restart_ends_no_session_and_forgets_no_refusal(path: Path, log: SqliteEventLog) -> None:
    long_ago = NOW - timedelta(hours=5)
    store(log, incoming("old", long_ago), long_ago)
    store(log, incoming("tea"))
    sessions = MemorySessionStore()
    LogFollower(SqliteEventLog(path), sessions, NO_RULES).catch_up()
    assert viewed(sessions) == ["tea"]
    store(log, incoming("refused", long_ago, personalization=False), long_ago)
    again = MemorySessionStore()
    LogFollower(SqliteEventLog(path), again, NO_RULES).catch_up()
    assert again.has_refused(["u"])


def test_a_start_reads_back_only_so_far(path: Path, log: SqliteEventLog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_follower, "READ_BACK", 2)
    monkeypatch.setattr(log_follower, "BLOCK_RECORDS", 1)
    for item in ("a", "b", "c"):
        store(log, incoming(item))
    sessions = MemorySessionStore()
    LogFollower(SqliteEventLog(path), sessions, NO_RULES).catch_up()
    assert viewed(sessions) == ["b", "c"]


def test_a_record_that_is_no_event_is_skipped(path: Path, log: SqliteEventLog) -> None:
    log.append([LogRecord("bad", b"{", NOW, "test")])
    store(log, incoming("tea"))
    sessions = MemorySessionStore()
    LogFollower(SqliteEventLog(path), sessions, NO_RULES).catch_up()
    assert viewed(sessions) == ["tea"]


@pytest.mark.parametrize(
    "context",
    [
        {"consent": {"categoryPreferences": {"personalization": False}}},
        {"customerPrivacy": {"preferencesProcessingAllowed": False}},
        {"consentManagement": {"deniedConsentIds": ["functional"]}},
    ],
)
def test_a_refusal_of_another_worker_counts_in_every_form_and_from_a_refused_event(
    path: Path, log: SqliteEventLog, context: dict[str, Any]
) -> None:
    long_ago = NOW - timedelta(hours=5)
    raw = {"type": "track", "event": "Danced", "messageId": "m", "userId": "u", "context": context}
    log.append([LogRecord("m", orjson.dumps(raw), long_ago, "test")])
    sessions = MemorySessionStore()
    LogFollower(SqliteEventLog(path), sessions, NO_RULES).catch_up()
    assert sessions.has_refused(["u"])


def test_a_log_that_cannot_be_read_is_logged_once(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    own = SqliteEventLog(path)
    follower = LogFollower(own, MemorySessionStore(), NO_RULES)
    own.close()
    with caplog.at_level(logging.ERROR):
        follower.catch_up()
        follower.catch_up()
    assert len([entry for entry in caplog.records if "event log cannot be read" in entry.message]) == 1


def test_a_closed_follower_reads_no_more(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    follower = LogFollower(SqliteEventLog(path), MemorySessionStore(), NO_RULES)
    follower.close()
    with caplog.at_level(logging.ERROR):
        follower.catch_up()
    assert not caplog.records
