from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest

from contracts.customer_id import customer_id_of_user
from contracts.events import Event, parse_event
from serving.state import sessions
from serving.state.sessions import MAX_VISIT_DEEDS, LiveVisits

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


def items(visits: LiveVisits, *persons: str, now: datetime = NOW) -> list[str]:
    return [deed.item_id for deed in visits.session(persons, now)]


def test_the_customer_id_is_the_one_that_ingest_gives() -> None:
    sessions = LiveVisits()
    user = "user:anonymous:17"  # of all user ids the one whose customer id is hardest to tell
    sessions.note(event(user, None), NOW)
    assert items(sessions, customer_id_of_user(user)) != []


def test_each_event_is_of_the_kind_that_training_has() -> None:
    visits = LiveVisits()
    names = ["Product Viewed", "Product Clicked", "Product Added", "Order Completed", "Product Removed", "Cart Viewed"]
    for name in names:
        visits.note(event("u", item=name, name=name), NOW)
    kinds = [(deed.item_id, deed.kind) for deed in visits.session(["u"], NOW)]
    assert kinds == list(zip(names[:4], ["view", "view", "cart", "order"], strict=True))


def test_a_visit_is_in_the_order_of_its_events_whatever_order_they_come_in() -> None:
    visits = LiveVisits()
    for item, at in (("second", NOW), ("first", NOW - SECOND), ("third", NOW + SECOND)):
        visits.note(event("u", item=item, at=at), NOW + SECOND)
    assert items(visits, "u") == ["first", "second", "third"]


def test_what_was_done_before_signing_in_is_the_users() -> None:
    visits = LiveVisits()
    visits.note(event(None, "d", "before"), NOW)
    visits.note(event("u", "phone", "phone"), NOW)
    visits.note(event("u", "d", "after"), NOW)
    for person in ("u", "anonymous:d"):
        assert sorted(items(visits, person)) == ["after", "before", "phone"]
    visits.note(event("u", "phone", "last"), NOW)
    assert sorted(items(visits, "u")) == ["after", "before", "last", "phone"]  # nothing twice


def test_another_user_of_the_device_does_not_get_the_first_ones_visit() -> None:
    visits = LiveVisits()
    visits.note(event("first", "d", "secret"), NOW)
    visits.note(event("second", "d", "own"), NOW)
    assert items(visits, "second") == ["own"]
    assert items(visits, "first") == ["secret"]
    visits.note(event("first", "d", "back"), NOW)
    assert items(visits, "second", "anonymous:d") == ["own"]
    assert items(visits, "third", "anonymous:d") == []
    assert items(visits, "anonymous:d") == ["secret", "back"]


def test_a_visit_ends_with_an_hour_of_silence() -> None:
    visits = LiveVisits()
    visits.note(event("u", item="first"), NOW)
    visits.note(event("u", item="second", at=NOW + HOUR), NOW + HOUR)
    assert items(visits, "u", now=NOW + 2 * HOUR) == ["first", "second"]
    assert items(visits, "u", now=NOW + 2 * HOUR + SECOND) == []
    visits.note(event("u", item="third", at=NOW + 4 * HOUR), NOW + 4 * HOUR)
    assert items(visits, "u", now=NOW + 4 * HOUR) == ["third"]


def test_visits_that_have_ended_are_forgotten() -> None:
    visits = LiveVisits()
    visits.note(event("u", "d"), NOW)
    visits.note(event("other", at=NOW + HOUR), NOW + HOUR)
    visits.expire(NOW + HOUR)
    assert len(visits) == 3
    visits.expire(NOW + HOUR + SECOND)
    assert len(visits) == 1


def test_old_events_that_are_sent_now_are_of_no_visit() -> None:
    visits = LiveVisits()
    visits.note(event("u", at=NOW - timedelta(days=30)), NOW)
    assert len(visits) == 0


def test_a_clock_that_is_ahead_does_not_keep_a_visit_alive() -> None:
    visits = LiveVisits()
    visits.note(parse_event(orjson.dumps({"type": "track", "event": "Product Viewed", "userId": "u",
        "properties": {"sku": "tea"}, "timestamp": NOW + 20 * HOUR}), NOW), NOW)  # fmt: skip
    assert items(visits, "u") == ["tea"]
    assert items(visits, "u", now=NOW + 2 * HOUR) == []


@pytest.mark.parametrize("refusal", [{"personalization": False}, {"analytics": False}])
def test_a_refusal_clears_and_blocks_every_id_of_the_person(refusal: dict[str, bool]) -> None:
    visits = LiveVisits()
    visits.note(event("u", "d"), NOW)
    visits.note(event("u", "d", at=NOW + SECOND, **refusal), NOW + SECOND)
    visits.note(event("u", "d", at=NOW + 2 * SECOND), NOW + 2 * SECOND)
    visits.note(event("u", "phone", at=NOW + 2 * SECOND), NOW + 2 * SECOND)
    visits.note(event(None, "phone", at=NOW + 2 * SECOND), NOW + 2 * SECOND)
    assert len(visits) == 0
    assert visits.has_refused(["u"])
    assert visits.has_refused(["somebody", "anonymous:phone"])
    assert not visits.has_refused(["somebody"])


def test_a_refusal_of_marketing_is_another_matter() -> None:
    visits = LiveVisits()
    visits.note(event("u", marketing=False), NOW)
    assert items(visits, "u") == ["tea"]


def test_the_latest_word_counts_and_of_one_instant_the_no() -> None:
    visits = LiveVisits()
    visits.note(event("u", "d", personalization=False), NOW)
    visits.note(event("u", "phone", personalization=True), NOW)
    assert visits.has_refused(["u"])
    visits.note(event("u", "phone", personalization=True, at=NOW + SECOND), NOW + SECOND)
    assert items(visits, "u") == ["tea"]
    visits.note(event("u", "d", "again", at=NOW + 2 * SECOND), NOW + 2 * SECOND)  # the device's old no is overruled
    assert items(visits, "u") == ["tea", "again"]
    visits.note(event("u", personalization=False), NOW + SECOND)  # an older no that comes late
    assert not visits.has_refused(["u"])


def test_a_yes_to_one_purpose_does_not_lift_the_no_to_the_other() -> None:
    visits = LiveVisits()
    visits.note(event("u", personalization=False), NOW)
    visits.note(event("u", analytics=True, at=NOW + SECOND), NOW + SECOND)
    assert visits.has_refused(["u"])


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MAX_PERSONS", 3)
    monkeypatch.setattr(sessions, "MAX_WORDS", 2)
    visits = LiveVisits()
    for number in range(10):
        visits.note(event(f"u{number}", f"d{number}"), NOW)
        visits.note(event(f"no{number}", personalization=False), NOW)
    assert len(visits) == 3
    assert items(visits, "u9") == ["tea"]
    assert [visits.has_refused([f"no{number}"]) for number in (7, 8, 9)] == [False, True, True]


def test_a_visit_keeps_its_last_deeds_and_all_visits_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    visits = LiveVisits()
    for number in range(MAX_VISIT_DEEDS + 5):
        visits.note(event("u", "d", item=str(number)), NOW)
    assert items(visits, "u") == [str(number) for number in range(5, MAX_VISIT_DEEDS + 5)]
    monkeypatch.setattr(sessions, "MAX_DEEDS", MAX_VISIT_DEEDS + 2)
    for person in ("a", "b"):
        visits.note(event(person), NOW)
    assert len(items(visits, "u")) == MAX_VISIT_DEEDS
    visits.note(event("c"), NOW)
    assert items(visits, "u") == items(visits, "anonymous:d") == []
    assert items(visits, "c") == ["tea"]
