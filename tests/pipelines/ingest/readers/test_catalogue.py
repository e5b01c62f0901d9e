import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts import columns as c
from contracts.errors import InputError
from pipelines.ingest.ingest import ingest
from pipelines.ingest.readers.catalogue import merged_files, read_catalogue
from pipelines.ingest.report import Counts
from pipelines.warehouse import views
from pipelines.warehouse.file_index import TableFile, switch_index
from tests.pipelines.wire import NOW, bought, ingest_events, rows, settings_in, track, warehouse_in


def ingest_catalogue(home: Path, content: str, name: str = "catalogue.csv", now: datetime = NOW) -> Counts:
    home.mkdir(exist_ok=True)
    (home / name).write_text(content)
    counts = ingest(settings_in(home), catalogue=home / name, now=now).catalogue
    assert counts is not None
    assert counts.adds_up
    return counts


def items(home: Path, *names: str) -> list[tuple[Any, ...]]:
    return rows(views.catalogue(warehouse_in(home)), c.ITEM_ID, *names)


def test_the_catalogue_file_counts_value_by_value(tmp_path: Path) -> None:
    viewed = {"sku": "tea", "name": "Tea from events", "category": "drinks"}
    ingest_events(tmp_path, track("1", "Product Viewed", userId="a", properties=viewed))
    ingest_catalogue(tmp_path, "item_id,item_name,price,stock,colour\ntea,Tea,3.5,12,green\npot,Pot,20,,\n")
    assert items(tmp_path, c.ITEM_NAME, c.ITEM_CATEGORY, c.PRICE, c.STOCK) == [
        ("pot", "Pot", None, 20.0, None),
        ("tea", "Tea", "drinks", 3.5, 12.0),
    ]


def test_the_row_updated_last_stays_in_whichever_order_they_come(tmp_path: Path) -> None:
    old, new = "tea,3,2025-01-01T00:00:00Z\n", "tea,4,2025-02-01T00:00:00Z\n"
    header = "item_id,price,updated_at\n"
    for home, contents in ((tmp_path / "a", (old, new)), (tmp_path / "b", (new + old,))):
        for content in contents:
            ingest_catalogue(home, header + content)
        assert items(home, c.PRICE) == [("tea", 4.0)]


def test_reading_a_catalogue_again_changes_nothing(tmp_path: Path) -> None:
    content = "item_id,price,updated_at\ntea,4,2025-02-01\npot,,2025-02-01\n"
    assert ingest_catalogue(tmp_path, content).stored == 2
    again = ingest_catalogue(tmp_path, content)
    assert (again.stored, again.duplicate) == (0, 2)


def test_csv_json_lines_and_parquet_say_the_same(tmp_path: Path) -> None:
    row = {"item_id": "7", "item_name": "Tea", "price": 3.5, "available_from": "2025-01-01", "colour": "green"}
    (tmp_path / "a.csv").write_text(",".join(row) + "\n" + ",".join(map(str, row.values())))
    (tmp_path / "b.jsonl").write_text(json.dumps(row | {"item_id": 7}))
    pq.write_table(pa.Table.from_pylist([row | {"available_from": date(2025, 1, 1)}]), tmp_path / "c.parquet")
    csv, lines, parquet = (read_catalogue(tmp_path / name, NOW).items for name in ("a.csv", "b.jsonl", "c.parquet"))
    assert csv.to_pylist() == lines.to_pylist() == parquet.to_pylist()
    assert csv.to_pylist()[0][c.AVAILABLE_FROM] == datetime(2025, 1, 1, tzinfo=UTC)


def attributes(folder: Path, content: str, name: str = "c.csv") -> list[dict[str, Any] | None]:
    (folder / name).write_text(content)
    found = read_catalogue(folder / name, NOW).items[c.ATTRIBUTES].to_pylist()
    return [json.loads(text) if text else None for text in found]


def test_every_further_column_is_an_attribute_and_blanks_say_nothing(tmp_path: Path) -> None:
    content = "item_id,margin,colour,price\ntea,0.4, green ,3\npot,,,20\n"
    assert attributes(tmp_path, content) == [{"margin": "0.4", "colour": "green"}, None]


def test_attributes_of_json_keep_their_type_and_may_be_nested(tmp_path: Path) -> None:
    row = {"item_id": "tea", "margin": 0.4, "organic": True, "tags": ["a"], "attributes": {"colour": "red", "size": 7}}
    said = {"margin": 0.4, "organic": "true", "colour": "red", "size": 7}
    assert attributes(tmp_path, json.dumps(row), "c.jsonl") == [said]


def test_attributes_are_bounded(tmp_path: Path) -> None:
    many = {"item_id": "tea", "description": "x" * 101, "name": "x" * 100} | {f"a{n:02d}": n for n in range(70)}
    (found,) = attributes(tmp_path, json.dumps(many), "c.jsonl")
    assert found is not None
    assert len(found) == 50
    assert "description" not in found
    assert "name" in found


def test_numbers_of_attributes_are_bounded(tmp_path: Path) -> None:
    numbers = '{"item_id": "tea", "a": 1e308, "b": -1e16, "c": 123456789012345678901234567890, "ean": 4006381333931}'
    assert attributes(tmp_path, numbers, "c.jsonl") == [{"ean": 4006381333931}]


def test_attributes_come_from_the_row_updated_last_and_reach_the_known_items(tmp_path: Path) -> None:
    ingest_events(tmp_path, bought("1", "a", {"cup": 5.0}))
    ingest_catalogue(tmp_path, "item_id,colour,updated_at\ntea,red,2025-01-01\n")
    ingest_catalogue(tmp_path, "item_id,colour,updated_at\ntea,green,2025-02-01\n")
    assert items(tmp_path, c.ATTRIBUTES) == [("cup", None), ("tea", '{"colour":"green"}')]


def test_a_catalogue_that_was_stored_before_there_were_attributes_is_read_and_updated(tmp_path: Path) -> None:
    header = "item_id,item_name,updated_at,colour\n"
    ingest_catalogue(tmp_path, header + "tea,Tea,2025-01-01,red\npot,Pot,2025-01-01,red\n")
    warehouse = warehouse_in(tmp_path)
    file = warehouse.index.tables["catalogue"]
    path = warehouse.root / file.path
    pq.write_table(pq.read_table(path).drop_columns([c.ATTRIBUTES]), path)
    tables = warehouse.index.tables | {"catalogue": TableFile(file.path)}
    switch_index(warehouse.root, msgspec.structs.replace(warehouse.index, tables=tables), {})
    assert items(tmp_path, c.ATTRIBUTES) == [("pot", None), ("tea", None)]
    counts = ingest_catalogue(tmp_path, header + "tea,Tea,2025-02-01,green\n")
    assert counts.stored == 1
    assert items(tmp_path, c.ITEM_NAME, c.ATTRIBUTES) == [("pot", "Pot", None), ("tea", "Tea", '{"colour":"green"}')]


def test_bad_rows_are_quarantined_with_a_reason(tmp_path: Path) -> None:
    header, good = "item_id,price,stock,available_from\n", "bag,1,2,\n"
    bad = [",1,,", "x" * 201 + ",1,,", "box,1"]
    counts = ingest_catalogue(tmp_path, header + good + "\n".join(bad))
    assert (counts.received, counts.stored) == (4, 1)
    assert counts.quarantined == {"bad_catalogue_row": 2, "malformed_csv": 1}
    found = {row["origin"]: row["reason"] for row in warehouse_in(tmp_path).quarantine().to_pyarrow().to_pylist()}
    assert "item_id" in found["catalogue.csv:3"]
    assert "200" in found["catalogue.csv:4"]


def test_a_negative_stock_means_that_none_is_left(tmp_path: Path) -> None:
    header = "item_id,price,stock\n"
    ingest_catalogue(tmp_path, header + "tea,7.5,5\npot,9,5\n")
    counts = ingest_catalogue(tmp_path, header + "tea,8.5,-2\npot,9,0\n", now=NOW + timedelta(days=1))
    assert (counts.stored, counts.repaired, counts.repairs) == (2, 1, {"stock (negative)": 1})
    assert items(tmp_path, c.PRICE, c.STOCK) == [("pot", 9.0, 0.0), ("tea", 8.5, 0.0)]


def test_an_optional_field_of_another_type_loses_itself_and_not_the_row(tmp_path: Path) -> None:
    rows = [
        {"item_id": "a", "price": -3, "stock": "many", "available_from": "someday"},
        {"item_id": "b", "price": "NaN", "stock": 1e10, "item_brand": {"id": 1}},
        {"item_id": "c", "price": "1.299,00 €", "stock": "3", "item_category": ["drinks", "tea"]},
        {"item_id": "d", "price": 1, "stock": 2, "item_name": ""},
    ]
    counts = ingest_catalogue(tmp_path, "\n".join(map(json.dumps, rows)), "c.jsonl")
    assert (counts.stored, counts.repaired) == (4, 3)
    assert counts.repairs == {
        "price (negative)": 1,
        "price (unreadable)": 1,
        "price": 1,
        "stock (unreadable)": 1,
        "stock (too large)": 1,
        "available_from (unreadable)": 1,
        "item_brand (unreadable)": 1,
        "item_category": 1,
    }
    assert items(tmp_path, c.ITEM_CATEGORY, c.PRICE, c.STOCK) == [
        ("a", None, None, None),
        ("b", None, None, None),
        ("c", "drinks, tea", 1299.0, 3.0),
        ("d", None, 1.0, 2.0),
    ]


def test_a_line_that_is_no_object_is_refused(tmp_path: Path) -> None:
    deep = '{"item_id": "pot", "a": ' + "[" * 5000 + "]" * 5000 + "}"
    (tmp_path / "c.jsonl").write_text('{"item_id": "tea"}\n[1]\n{"item\n' + deep)
    read = read_catalogue(tmp_path / "c.jsonl", NOW)
    assert (read.items.num_rows, read.quarantined) == (1, {"bad_catalogue_row": 3})


def test_a_catalogue_without_item_ids_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'item_id'; it has 'sku', 'price'"):
        ingest_catalogue(tmp_path, "sku,price\ntea,1\n")


def test_several_files_are_one(tmp_path: Path) -> None:
    assert merged_files([]) is None
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_text(f"item_id,stock\n{name},-1\n,2\n")
    merged = merged_files([read_catalogue(tmp_path / f"{name}.csv", NOW) for name in ("a", "b")])
    assert merged is not None
    assert merged.items[c.ITEM_ID].to_pylist() == ["a", "b"]
    assert (merged.refused.num_rows, merged.quarantined, merged.repaired) == (2, {"bad_catalogue_row": 2}, 2)
