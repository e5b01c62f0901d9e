import asyncio
import csv
import io

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import csv_export
from serving.csv_export import csv_cell, stream_csv
from serving.tables import ServedTable

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\0=1",
    " =1",
    "＝1",
    '=HYPERLINK("http://evil.example")',
    "-2+3+cmd|' /C calc'!A0",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula(text: str) -> None:
    assert csv_cell(text) == f"'{text}"
    assert csv_cell([text, "more"]).startswith("'")


@pytest.mark.parametrize("number", [-1, -1.5, 0, 2])
def test_numbers_stay_numbers(number: float) -> None:
    assert csv_cell(number) == number


@pytest.mark.parametrize("text", ["tea", "a=b", "1-1", "'quoted", ""])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert csv_cell(text) == text


@given(st.text())
def test_whatever_the_text_no_cell_starts_a_formula(text: str) -> None:
    cell = csv_cell(text)
    assert not cell.strip().startswith(tuple("=+-@"))
    assert cell.removeprefix("'") == text.removeprefix("'")


def test_cells_of_other_kinds() -> None:
    assert [csv_cell(value) for value in (None, True, ["a", "b"], {"a": 1})] == ["", "true", "a; b", '{"a":1}']


def test_the_whole_table_streams_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_export, "ROWS_PER_BLOCK", 10)
    keys = [f"key-{number:03d}" for number in range(95)]
    table = ServedTable(pa.table({"key": keys, "=evil": FORMULAS * 7 + FORMULAS[:11], "n": range(-5, 90)}), "key")

    async def blocks() -> list[bytes]:
        return [block async for block in stream_csv(table, np.arange(95), ["key", "n", "=evil"])]

    parts = asyncio.run(blocks())
    assert len(parts) == 11
    rows = list(csv.reader(io.StringIO(b"".join(parts).decode(), newline="")))
    assert rows[0] == ["key", "n", "'=evil"]
    assert [row[0] for row in rows[1:]] == keys
    assert [int(row[1]) for row in rows[1:]] == list(range(-5, 90))
    assert all(row[2].startswith("'") for row in rows[1:])
