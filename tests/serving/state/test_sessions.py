import pytest

from serving.state import sessions as module
from serving.state.protocol import SessionStore
from serving.state.sessions import MAX_SESSION_ACTIONS, MemorySessionStore
from tests.serving.state.test_protocol import NOW, SessionStoreSuite, event, items


class TestMemorySessionStore(SessionStoreSuite):
    @pytest.fixture
    def sessions(self) -> SessionStore:
        return MemorySessionStore()


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_CUSTOMER_IDS", 3)
    monkeypatch.setattr(module, "MAX_STATEMENTS", 2)
    sessions = MemorySessionStore()
    for number in range(10):
        sessions.record(event(f"u{number}", f"d{number}"), NOW)
        sessions.record(event(f"no{number}", personalization=False), NOW)
    assert len(sessions) == 3
    assert items(sessions, "u9") == ["tea"]
    assert [sessions.has_refused([f"no{number}"]) for number in (7, 8, 9)] == [False, True, True]


def test_the_actions_of_a_session_and_of_all_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = MemorySessionStore()
    for number in range(MAX_SESSION_ACTIONS + 5):
        sessions.record(event("u", "d", item=str(number)), NOW)
    assert items(sessions, "u") == [str(number) for number in range(5, MAX_SESSION_ACTIONS + 5)]
    monkeypatch.setattr(module, "MAX_ACTIONS", MAX_SESSION_ACTIONS + 2)
    for customer_id in ("a", "b"):
        sessions.record(event(customer_id), NOW)
    assert len(items(sessions, "u")) == MAX_SESSION_ACTIONS
    sessions.record(event("c"), NOW)
    assert items(sessions, "u") == items(sessions, "anonymous:d") == []
    assert items(sessions, "c") == ["tea"]
