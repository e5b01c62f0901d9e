from pathlib import Path

import pytest

from contracts import columns as c
from pipelines.ingest import deduplicate
from pipelines.warehouse import views
from tests.pipelines.wire import NOW, bought, ingest_events, rows, track, warehouse_in, wire


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
