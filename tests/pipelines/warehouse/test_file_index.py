from pathlib import Path

import pytest

from contracts.errors import StorageError
from pipelines.warehouse.file_index import (
    CURRENT,
    LEDGER,
    DayFile,
    Index,
    load_index,
    read_ledger,
    remove_unlisted,
    switch_index,
)


def test_a_folder_without_an_index_is_an_empty_warehouse(tmp_path: Path) -> None:
    assert load_index(tmp_path) == Index()
    assert read_ledger(tmp_path, Index()) == []


def test_index_and_ledger_are_switched_together(tmp_path: Path) -> None:
    first = switch_index(tmp_path, Index(generation=1), {"received": 1})
    second = switch_index(tmp_path, first, {"received": 2})
    assert load_index(tmp_path) == second
    assert [entry["received"] for entry in read_ledger(tmp_path, second)] == [1, 2]


def test_what_a_crash_left_in_the_ledger_is_not_read_and_is_written_over(tmp_path: Path) -> None:
    index = switch_index(tmp_path, Index(), {"received": 1})
    with (tmp_path / LEDGER).open("a") as ledger:
        ledger.write('{"received": 99}\n{"half')
    assert [entry["received"] for entry in read_ledger(tmp_path, load_index(tmp_path))] == [1]
    index = switch_index(tmp_path, index, {"received": 2})
    assert [entry["received"] for entry in read_ledger(tmp_path, index)] == [1, 2]


@pytest.mark.parametrize("content", [b"", b"{", b'{"colour": 1}', b'{"days": []}'])
def test_a_damaged_index_is_refused_with_advice(tmp_path: Path, content: bytes) -> None:
    (tmp_path / CURRENT).write_bytes(content)
    with pytest.raises(StorageError, match="Restore it"):
        load_index(tmp_path)


def test_an_index_of_a_later_format_is_refused(tmp_path: Path) -> None:
    switch_index(tmp_path, Index(format=2), {})
    with pytest.raises(StorageError, match="format 2"):
        load_index(tmp_path)


def test_only_files_that_are_not_listed_are_removed(tmp_path: Path) -> None:
    index = Index(
        days={"2025-01-01": DayFile("events/day=2025-01-01/new.parquet", 1, 1)}, tables={"t": "tables/t.parquet"}
    )
    names = (
        "events/day=2025-01-01/new.parquet",
        "events/day=2025-01-01/old.parquet",
        "tables/t.parquet",
        "tables/u.parquet",
    )
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    remove_unlisted(tmp_path, index)
    left = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet"))
    assert left == ["events/day=2025-01-01/new.parquet", "tables/t.parquet"]
