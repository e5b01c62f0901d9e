import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from contracts import columns as c
from contracts.logs.events import LogRecord, open_event_log
from contracts.logs.sources import log_key
from pipelines.ingest import deduplicate
from pipelines.ingest.ingest import ingest
from pipelines.ingest.report import Conflict
from pipelines.warehouse import views
from tests.pipelines.wire import (
    NOW,
    bought,
    consent,
    ingest_events,
    rows,
    settings_in,
    track,
    warehouse_in,
    wire,
)


def stored(home: Path) -> list[tuple[str, str]]:
    return rows(views.events(warehouse_in(home)), c.MESSAGE_ID, c.USER_ID)


def test_an_event_that_comes_again_is_a_duplicate_within_a_call_and_across(tmp_path: Path) -> None:
    first = ingest_events(tmp_path, wire("1", userId="a"), wire("1", userId="a"), wire("2", userId="a"))
    again = ingest_events(tmp_path, wire("2", userId="a"), wire("3", userId="a"), now=NOW.replace(day=2))
    assert (first.total.stored, first.total.duplicate) == (2, 1)
    assert (again.total.stored, again.total.duplicate) == (1, 1)
    assert stored(tmp_path) == [("1", "a"), ("2", "a"), ("3", "a")]


@pytest.mark.parametrize("together", [True, False])
def test_of_two_events_with_one_id_the_same_stays_in_either_order(tmp_path: Path, together: bool) -> None:
    # On different days: the loser's day must lose it.
    ada, bob = wire("1", at=1, userId="ada"), bought("1", "bob", {"tea": 1.0, "cup": 2.0}, at=2)
    found = []
    for name, pair in (("a", (ada, bob)), ("b", (bob, ada))):
        calls = [pair] if together else [(event,) for event in pair]
        totals = [ingest_events(tmp_path / name, *call).total for call in calls]
        assert sum(total.stored for total in totals) == sum(total.duplicate for total in totals) == 1
        warehouse = warehouse_in(tmp_path / name)
        assert warehouse.event_window().events == len(warehouse.index.days) == 1
        found.append((rows(views.events(warehouse)), rows(warehouse.identity_map()), rows(views.catalogue(warehouse))))
    assert found[0] == found[1]


ORDER = bought("order-2001", "bob", {"tea": 100.0})
FORGERIES = [bought("order-2001", "mallory", {"tea": 0.01}) | {"padding": number} for number in range(4)]


def accept(home: Path, source: str, *events: dict[str, Any], now: datetime = NOW) -> None:
    """Accept events as the service does."""
    log = open_event_log(settings_in(home).events_url)
    ids = [log_key(source, event["messageId"]) for event in events]
    raws = [json.dumps(event).encode() for event in events]
    log.append([LogRecord(key, raw, now, source) for key, raw in zip(ids, raws, strict=True)])
    log.close()


@pytest.mark.parametrize("forged", FORGERIES)  # whatever their hashes are
def test_a_page_cannot_claim_the_order_of_a_file(tmp_path: Path, forged: dict[str, Any]) -> None:
    accept(tmp_path, "api:webpage", forged)
    ingest(settings_in(tmp_path), now=NOW)
    report = ingest_events(tmp_path, ORDER)  # after the page has claimed the id
    assert stored(tmp_path) == [("order-2001", "bob")]
    assert report.conflicts == [Conflict("file", "api:webpage", 1, 1)]
    assert report.total.adds_up


def test_a_page_cannot_replace_what_is_stored_and_the_attempt_is_told(tmp_path: Path) -> None:
    ingest_events(tmp_path, ORDER)
    accept(tmp_path, "api:webpage", FORGERIES[0])
    report = ingest(settings_in(tmp_path), now=NOW)
    assert stored(tmp_path) == [("order-2001", "bob")]
    assert report.as_dict()["conflicts"] == [{"kept": "file", "dropped": "api:webpage", "events": 1, "replaced": 0}]
    assert ingest_events(tmp_path, ORDER).conflicts == []  # a repeat is none


@pytest.mark.parametrize("pages_first", [True, False])
@pytest.mark.parametrize("together", [True, False])
def test_a_server_wins_over_a_page_in_the_live_log(tmp_path: Path, pages_first: bool, together: bool) -> None:
    sent = [("api:webpage", FORGERIES[0]), ("server:shop", ORDER)]
    reports = []
    for source, event in sent if pages_first else reversed(sent):
        accept(tmp_path, source, event)
        reports += [] if together else [ingest(settings_in(tmp_path), now=NOW)]
    reports.append(ingest(settings_in(tmp_path), now=NOW))
    assert stored(tmp_path) == [("order-2001", "bob")]
    assert sum(conflict.events for report in reports for conflict in report.conflicts) == 1


def test_of_two_pages_the_one_received_first_stays_whichever_is_ingested_first(tmp_path: Path) -> None:
    for name, order in (("a", (0, 1)), ("b", (1, 0))):
        for place in order:
            at = NOW + timedelta(minutes=place)
            home = tmp_path / name / str(place)  # a log of its own, so that the other one is read first
            # The last records differ, so that ingest takes the second log for another one.
            accept(home, f"api:page-{place}", FORGERIES[place], wire(f"end-{place}", userId="x"), now=at)
            settings = settings_in(tmp_path / name).model_copy(update={"events": settings_in(home).events_url})
            ingest(settings, now=NOW)
        events = views.events(warehouse_in(tmp_path / name))
        assert rows(events.filter(events[c.MESSAGE_ID] == "order-2001"), c.SOURCE) == [("api:page-0",)]


def test_a_statement_of_consent_is_replaced_by_no_page(tmp_path: Path) -> None:
    said = wire("w", userId="bob", context=consent(analytics=False, marketing=False))
    ingest_events(tmp_path, said)
    for number in range(4):
        forged = wire("w", userId="bob", context=consent(analytics=False, marketing=True)) | {"padding": number}
        accept(tmp_path, f"api:{number}", forged, now=NOW - timedelta(hours=1))
        ingest(settings_in(tmp_path), now=NOW)
        (tmp_path / "events.sqlite").unlink()
    assert rows(warehouse_in(tmp_path).consent(), c.CONSENT_MARKETING) == [(False,)]


def test_each_day_has_its_file_with_sorted_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deduplicate, "LINES_AT_ONCE", 2)  # so that the days are written in several groups
    late, early = wire("z", at=2.1, userId="a"), wire("a", at=2, userId="a")
    ingest_events(tmp_path, late, wire("1", at=0, userId="a"), early, bought("o", "a", {"x": 1, "y": 2}, at=1))
    warehouse = warehouse_in(tmp_path)
    assert sorted(warehouse.index.days) == ["2025-03-01", "2025-03-02", "2025-03-03"]
    assert [(day.events, day.lines) for _, day in sorted(warehouse.index.days.items())] == [(1, 1), (1, 2), (2, 2)]
    lines = warehouse.lines(["2025-03-03"]).to_pyarrow()
    assert lines[c.MESSAGE_ID].to_pylist() == ["a", "z"]


def test_only_days_that_change_are_written_again(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("1", at=0, userId="a"), wire("2", at=1, userId="a"))
    before = warehouse_in(tmp_path).index.days
    ingest_events(tmp_path, wire("1", at=0, userId="a"), wire("3", at=1, userId="a"))
    after = warehouse_in(tmp_path).index.days
    assert after["2025-03-01"] == before["2025-03-01"]
    assert after["2025-03-02"].path != before["2025-03-02"].path


def test_midnight_in_utc_divides_the_days(tmp_path: Path) -> None:
    times = ("2025-03-02T00:30:00+01:00", "2025-03-01T23:59:59.999999Z", "2025-03-02T00:00:00Z")
    events = [wire(str(n), userId="a") | {"timestamp": time} for n, time in enumerate(times)]
    ingest_events(tmp_path, *events, track("o", "Product Viewed", 9, userId="a", properties={"sku": "x"}))
    days = warehouse_in(tmp_path).index.days
    assert {day: file.events for day, file in days.items()} == {"2025-03-01": 2, "2025-03-02": 1, "2025-03-10": 1}
