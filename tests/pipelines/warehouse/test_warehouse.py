from pathlib import Path

import pytest

from contracts import columns as c
from contracts.errors import SettingsError
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse
from tests.pipelines.wire import START, bought, ingest_events, rows, settings_in, warehouse_in, wire


def test_an_empty_warehouse_answers_with_empty_tables(tmp_path: Path) -> None:
    warehouse = warehouse_in(tmp_path)
    assert warehouse.event_window() == (None, None, 0)
    assert views.events(warehouse).to_pyarrow().schema.names == c.EVENTS.names
    for table in (views.events(warehouse), warehouse.consent(), warehouse.identity_map(), warehouse.quarantine()):
        assert rows(table) == []
    assert warehouse.ingests() == []


def test_events_come_with_the_person_behind_them_in_the_declared_types(tmp_path: Path) -> None:
    ingest_events(
        tmp_path,
        wire("1", anonymousId="a"),
        bought("2", "ann", {"x": 1.0, "y": 2.0}, at=3),
        wire("3", anonymousId="b", userId="ann"),
    )
    warehouse = warehouse_in(tmp_path)
    table = views.events(warehouse).to_pyarrow()
    assert table.cast(c.EVENTS).num_rows == 4
    assert rows(views.events(warehouse), c.MESSAGE_ID, c.CUSTOMER_ID, c.IS_KNOWN, c.ALLOWS_PERSONALIZATION) == [
        ("1", "anonymous:a", False, True),
        ("2", "ann", True, True),
        ("2", "ann", True, True),
        ("3", "ann", True, True),
    ]
    window = warehouse.event_window()
    assert (window.first, window.events) == (START, 3)


def test_an_open_warehouse_keeps_seeing_the_state_it_was_opened_in(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("1", userId="ann"))
    reader = warehouse_in(tmp_path)
    ingest_events(tmp_path, wire("2", userId="ann"))
    assert rows(views.events(reader), c.MESSAGE_ID) == [("1",)]
    assert rows(views.events(warehouse_in(tmp_path)), c.MESSAGE_ID) == [("1",), ("2",)]


def test_an_unknown_scheme_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must be one of duckdb"):
        open_warehouse(settings_in(tmp_path).model_copy(update={"warehouse": "oracle:///srv"}))
