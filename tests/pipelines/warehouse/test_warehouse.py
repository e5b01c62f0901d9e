from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import SettingsError
from pipelines.warehouse.schemas import TABLES
from pipelines.warehouse.warehouse import open_warehouse
from tests.pipelines.wire import START, ingest_events, rows, settings_in, warehouse_in, wire


def test_an_empty_warehouse_answers_with_empty_tables(tmp_path: Path) -> None:
    warehouse = warehouse_in(tmp_path)
    assert warehouse.event_window() == (None, None, 0)
    for name, schema in TABLES.items():
        assert warehouse.table(name).columns == tuple(schema.names)
    for table in (warehouse.lines(), warehouse.consent(), warehouse.identity_map(), warehouse.quarantine()):
        assert rows(table) == []
    assert warehouse.ingests() == []


def test_tables_of_arrow_and_results_are_tables_of_the_engine(tmp_path: Path) -> None:
    warehouse = warehouse_in(tmp_path)
    table = warehouse.register(pa.table({"n": [1, 2]}))
    assert rows(warehouse.cache(table.mutate(n=table.n * 2))) == [(2,), (4,)]
    assert rows(table) == [(1,), (2,)]


def test_an_open_warehouse_keeps_the_state_in_which_it_was_opened(tmp_path: Path) -> None:
    ingest_events(tmp_path, wire("1", userId="ann"))
    reader = warehouse_in(tmp_path)
    ingest_events(tmp_path, wire("2", at=1, userId="ann"))
    assert rows(reader.lines(), c.MESSAGE_ID) == [("1",)]
    later = warehouse_in(tmp_path)
    assert rows(later.lines(), c.MESSAGE_ID) == [("1",), ("2",)]
    assert rows(later.lines(["2025-03-02"]), c.MESSAGE_ID) == [("2",)]
    assert later.event_window() == (START, START + timedelta(days=1), 2)


def test_an_unknown_scheme_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="must be one of duckdb"):
        open_warehouse(settings_in(tmp_path).model_copy(update={"warehouse": "oracle:///srv"}))
