"""Rows come out the same, whether the table is held or read from its file."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contracts.bundle import read_table, write_table
from serving.answers.tables import batches
from serving.answers.tables.batches import read_batches


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "key": [f"k{number:03d}" for number in range(100)],
            "n": [None if number % 7 == 0 else number for number in range(100)],
            "list": [["a", None], None, [], ["b"]] * 25,
        }
    )


@pytest.mark.parametrize("read_rows", [7, 1000])
def test_every_row_once_in_the_order_asked(
    tmp_path: Path, table: pa.Table, read_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "READ_ROWS", read_rows)
    monkeypatch.setattr(batches, "MAX_MAPPED_BYTES", 1)  # gives the pages back at every column
    file = tmp_path / "table.arrow"
    write_table(file, table)
    positions = np.random.default_rng(1).permutation(100).astype(np.int32)
    expected = table.select(["list", "n"]).take(pa.array(positions))
    for source in (None, file, tmp_path / "gone.arrow"):
        parts = list(read_batches(table, positions, ["list", "n"], 3, source))
        assert max(len(part) for part in parts) <= 3
        assert pa.concat_tables(parts).equals(expected)


def test_the_mapping_of_others_stays(tmp_path: Path, table: pa.Table) -> None:
    file = tmp_path / "table.arrow"
    write_table(file, table)
    mapped = read_table(file)
    parts = list(read_batches(mapped, np.arange(100), mapped.column_names, 10, file))
    file.unlink()
    assert mapped.equals(table)
    assert pa.concat_tables(parts).equals(table)
