import json
from pathlib import Path

import pytest

from contracts.bundle import file_sha256
from contracts.errors import StorageError
from pipelines.warehouse.file_index import (
    CURRENT,
    LEDGER,
    DayFile,
    Index,
    TableFile,
    load_index,
    read_ledger,
    remove_unlisted,
    switch_index,
    verify,
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
    switch_index(tmp_path, Index(format=3), {})
    with pytest.raises(StorageError, match="format 3"):
        load_index(tmp_path)


def test_an_index_without_hashes_is_read(tmp_path: Path) -> None:
    day = {"path": "events/day=2025-01-01/lines-000001.parquet", "events": 1, "lines": 2}
    old = {"format": 1, "generation": 4, "days": {"2025-01-01": day}, "tables": {"people": "tables/people.parquet"}}
    (tmp_path / CURRENT).write_text(json.dumps(old))
    index = load_index(tmp_path)
    assert (index.format, index.generation, index.tables) == (2, 4, {"people": TableFile("tables/people.parquet")})
    (tmp_path / day["path"]).parent.mkdir(parents=True)
    (tmp_path / day["path"]).write_bytes(b"as it is")
    verify(tmp_path, index.days["2025-01-01"])


def test_a_file_that_is_not_as_it_was_written_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"0123456789" * 100)
    file = TableFile("a.parquet", file_sha256(path))
    verify(tmp_path, file)
    for place in range(0, 1000, 97):
        content = bytearray(b"0123456789" * 100)
        content[place] ^= 1 << (place % 8)
        path.write_bytes(content)
        with pytest.raises(StorageError, match="is damaged: its SHA-256"):
            verify(tmp_path, file)
    path.unlink()
    with pytest.raises(StorageError, match="cannot be read"):
        verify(tmp_path, file)


def test_only_files_that_are_not_listed_are_removed(tmp_path: Path) -> None:
    index = Index(
        days={"2025-01-01": DayFile("events/day=2025-01-01/new.parquet", 1, 1)},
        tables={"t": TableFile("tables/t.parquet")},
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
