"""What every session store must do: a test class per implementation inherits this one and gives the store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from contracts.customer_id import customer_id_of_user
from contracts.events.parse import Event, parse_event
from serving.state.protocol import SessionStore

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


def event(
    user: str | None = None,
    device: str | None = None,
    item: str | None = "tea",
    name: str = "Product Viewed",
    at: datetime = NOW,
    **consent: bool,
) -> Event:
    raw: dict[str, Any] = {"type": "track", "userId": user, "anonymousId": device, "timestamp": at}
    raw |= {"event": name, "properties": {"product_id": item, "order_id": "o1"}}
    raw["context"] = {"consent": {"categoryPreferences": consent}}
    return parse_event(orjson.dumps(raw), at)


def items(sessions: SessionStore, *customer_ids: str, now: datetime = NOW) -> list[str]:
    return [action.item_id for action in sessions.session(customer_ids, now)]


class SessionStoreSuite:
    @pytest.fixture
    def sessions(self) -> SessionStore:
        raise NotImplementedError

    def test_what_was_done_and_stated_up_to_a_time_is_forgotten_and_what_came_later_is_not(
        self, sessions: SessionStore
    ) -> None:
        sessions.record(event("ada", "phone", "tea", at=NOW - 2 * SECOND), NOW)
        sessions.record(event("ada", "phone", "cup", at=NOW), NOW)
        sessions.record(event("bob", item="pot", at=NOW - 2 * SECOND), NOW)
        sessions.record(event("eve", personalization=False, at=NOW - 2 * SECOND), NOW)
        sessions.forget(["ada", "nobody", "eve"], NOW - SECOND)
        assert items(sessions, "ada") == ["cup"]
        assert items(sessions, "bob") == ["pot"]
        assert not sessions.has_refused(["eve"])
        sessions.forget(["ada"], NOW)
        assert items(sessions, "ada") == []
        sessions.record(event("ada", item="jug", at=NOW + SECOND), NOW + SECOND)
        assert items(sessions, "ada") == ["jug"]

    def test_the_customer_id_is_the_one_that_ingest_gives(self, sessions: SessionStore) -> None:
        user = "user:anonymous:17"  # of all user ids the one whose customer id is hardest to tell
        sessions.record(event(user, None), NOW)
        assert items(sessions, customer_id_of_user(user)) != []

    def test_each_event_is_of_the_kind_that_training_has(self, sessions: SessionStore) -> None:
        names = [
            "Product Viewed",
            "Product Clicked",
            "Product Added",
            "Order Completed",
            "Product Removed",
            "Cart Viewed",
        ]
        for name in names:
            sessions.record(event("u", item=name, name=name), NOW)
        kinds = [(action.item_id, action.kind) for action in sessions.session(["u"], NOW)]
        assert kinds == list(zip(names[:4], ["view", "view", "cart", "order"], strict=True))

    def test_a_session_is_in_the_order_of_its_events_whatever_order_they_come_in(self, sessions: SessionStore) -> None:
        for item, at in (("second", NOW), ("first", NOW - SECOND), ("third", NOW + SECOND)):
            sessions.record(event("u", item=item, at=at), NOW + SECOND)
        assert items(sessions, "u") == ["first", "second", "third"]

    def test_actions_before_signing_in_are_the_users(self, sessions: SessionStore) -> None:
        sessions.record(event(None, "d", "before"), NOW)
        sessions.record(event("u", "phone", "phone"), NOW)
        sessions.record(event("u", "d", "after"), NOW)
        for person in ("u", "anonymous:d"):
            assert sorted(items(sessions, person)) == ["after", "before", "phone"]
        sessions.record(event("u", "phone", "last"), NOW)
        assert sorted(items(sessions, "u")) == ["after", "before", "last", "phone"]  # nothing twice

    def test_another_user_of_the_device_does_not_get_the_first_ones_session(self, sessions: SessionStore) -> None:
        sessions.record(event("first", "d", "secret"), NOW)
        sessions.record(event("second", "d", "own"), NOW)
        assert items(sessions, "second") == ["own"]
        assert items(sessions, "first") == ["secret"]
        sessions.record(event("first", "d", "back"), NOW)
        assert items(sessions, "second", "anonymous:d") == ["own"]
        assert items(sessions, "third", "anonymous:d") == []
        assert items(sessions, "anonymous:d") == ["secret", "back"]

    def test_a_session_ends_with_an_hour_of_silence(self, sessions: SessionStore) -> None:
        sessions.record(event("u", item="first"), NOW)
        sessions.record(event("u", item="second", at=NOW + HOUR), NOW + HOUR)
        assert items(sessions, "u", now=NOW + 2 * HOUR) == ["first", "second"]
        assert items(sessions, "u", now=NOW + 2 * HOUR + SECOND) == []
        sessions.record(event("u", item="third", at=NOW + 4 * HOUR), NOW + 4 * HOUR)
        assert items(sessions, "u", now=NOW + 4 * HOUR) == ["third"]

    def test_sessions_that_have_ended_are_deleted(self, sessions: SessionStore) -> None:
        sessions.record(event("u", "d"), NOW)
        sessions.record(event("other", at=NOW + HOUR), NOW + HOUR)
        sessions.expire(NOW + HOUR)
        assert len(sessions) == 3
        sessions.expire(NOW + HOUR + SECOND)
        assert len(sessions) == 1

    def test_old_events_that_are_sent_now_are_in_no_session(self, sessions: SessionStore) -> None:
        sessions.record(event("u", at=NOW - timedelta(days=30)), NOW)
        assert len(sessions) == 0

    def test_a_clock_that_is_ahead_does_not_keep_a_session_alive(self, sessions: SessionStore) -> None:
        sessions.record(parse_event(orjson.dumps({"type": "track", "event": "Product Viewed", "userId": "u",
            "properties": {"sku": "tea"}, "timestamp": NOW + 20 * HOUR}), NOW), NOW)  # fmt: skip
        assert items(sessions, "u") == ["tea"]
        assert items(sessions, "u", now=NOW + 2 * HOUR) == []

    @pytest.mark.parametrize("refusal", [{"personalization": False}, {"analytics": False}])
    def test_a_refusal_clears_and_blocks_every_id_of_the_person(
        self, sessions: SessionStore, refusal: dict[str, bool]
    ) -> None:
        sessions.record(event("u", "d"), NOW)
        sessions.record(event("u", "d", at=NOW + SECOND, **refusal), NOW + SECOND)
        sessions.record(event("u", "d", at=NOW + 2 * SECOND), NOW + 2 * SECOND)
        sessions.record(event("u", "phone", at=NOW + 2 * SECOND), NOW + 2 * SECOND)
        sessions.record(event(None, "phone", at=NOW + 2 * SECOND), NOW + 2 * SECOND)
        assert len(sessions) == 0
        assert sessions.has_refused(["u"])
        assert sessions.has_refused(["somebody", "anonymous:phone"])
        assert not sessions.has_refused(["somebody"])

    def test_a_refusal_of_marketing_does_not_end_a_session(self, sessions: SessionStore) -> None:
        sessions.record(event("u", marketing=False), NOW)
        assert items(sessions, "u") == ["tea"]

    def test_the_latest_statement_counts_and_at_one_instant_the_refusal(self, sessions: SessionStore) -> None:
        sessions.record(event("u", "d", personalization=False), NOW)
        sessions.record(event("u", "phone", personalization=True), NOW)
        assert sessions.has_refused(["u"])
        sessions.record(event("u", "phone", personalization=True, at=NOW + SECOND), NOW + SECOND)
        assert items(sessions, "u") == ["tea"]
        sessions.record(
            event("u", "d", "again", at=NOW + 2 * SECOND), NOW + 2 * SECOND
        )  # the device's old refusal is overruled
        assert items(sessions, "u") == ["tea", "again"]
        sessions.record(event("u", personalization=False), NOW + SECOND)  # an older refusal that comes late
        assert not sessions.has_refused(["u"])

    def test_on_a_shared_device_nobodys_consent_changes_that_of_another(self, sessions: SessionStore) -> None:
        sessions.record(event("ann", "d", personalization=False), NOW)
        sessions.record(event("bob", "d", personalization=True, at=NOW + SECOND), NOW + SECOND)
        sessions.record(event("ann", "d", at=NOW + 2 * SECOND), NOW + 2 * SECOND)
        assert sessions.has_refused(["ann"])
        assert sessions.has_refused(["ann", "anonymous:d"])
        assert not sessions.has_refused(["bob", "anonymous:d"])
        sessions.record(event("ann", "d", personalization=False, at=NOW + 3 * SECOND), NOW + 3 * SECOND)
        sessions.record(event("bob", "d", at=NOW + 4 * SECOND), NOW + 4 * SECOND)
        assert not sessions.has_refused(["bob"])
        assert sessions.has_refused(["bob", "anonymous:d"])  # the device's last word holds for whoever uses it

    def test_what_a_device_stated_before_anybody_signed_in_holds_for_who_does(self, sessions: SessionStore) -> None:
        sessions.record(event(None, "d", personalization=False), NOW)
        sessions.record(event("ann", "d", at=NOW + SECOND), NOW + SECOND)
        assert sessions.has_refused(["ann"])

    def test_consent_to_one_purpose_does_not_lift_the_refusal_of_the_other(self, sessions: SessionStore) -> None:
        sessions.record(event("u", personalization=False), NOW)
        sessions.record(event("u", analytics=True, at=NOW + SECOND), NOW + SECOND)
        assert sessions.has_refused(["u"])
