"""The overview says what the engine would say of the same warehouse, without starting it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipelines.warehouse.overview import hole_before, read_overview
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


@pytest.mark.parametrize(
    ("days", "words"),
    [
        ([], ""),
        (["2025-01-01", "2025-01-29", "2025-02-20"], ""),
        (["2024-12-30", "2025-03-01"], "between 2024-12-30 and 2025-03-01, for 60 days"),
        (["2024-06-01", "2024-12-30"], "--as-of 2024-12-31"),  # the hole lies before the cut itself
        (["2025-02-27", "2026-01-01"], ""),  # what is stored after the cut fills no hole before it
    ],
)
def test_a_hole_in_the_data_is_told_with_what_to_do(days: list[str], words: str) -> None:
    found = hole_before(days, datetime(2025, 3, 2, tzinfo=UTC))
    assert words in found
    assert bool(words) == bool(found)
