"""The overview says what the engine would say of the same warehouse, without starting it."""

from datetime import timedelta
from pathlib import Path

from pipelines.warehouse.overview import read_overview
from tests.pipelines.wire import START, bought, ingest_events, warehouse_in, wire


def test_an_empty_folder_has_an_empty_overview(tmp_path: Path) -> None:
    found = read_overview(tmp_path / "warehouse")
    assert (found.events, found.first, found.last, found.currencies, found.ingests) == (0, None, None, frozenset(), [])


def test_the_overview_agrees_with_the_engine(tmp_path: Path) -> None:
    late, early = bought("m2", "ann", {"tea": 5.0}, at=9.5), wire("m1", at=-1.25, userId="ann")
    late["properties"]["currency"] = "EUR"
    ingest_events(tmp_path, late, wire("m3", userId="ann"), early, {"type": "what"}, b"{")
    window = warehouse_in(tmp_path).event_window()
    found = read_overview(tmp_path / "warehouse")
    assert (found.first, found.last, found.events) == window
    assert found.last == START + timedelta(days=9.5)
    assert found.currencies == {"EUR"}
    assert sum(found.quarantined.values()) == 2
    assert found.ingests[0]["received"] == 5
