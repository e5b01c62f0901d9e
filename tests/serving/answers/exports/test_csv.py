"""No cell of a CSV starts a formula, and what is harmless stays as it is."""

import csv
import io
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.answers.exports import csv as exports_csv
from serving.answers.exports.csv import cells_as_text, csv_chunks, csv_header, csv_rows, guarded, times_as_text
from serving.answers.tables.table import ServedTable

FORMULAS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\tharmless, but a tab",
    "\r=1",
    "\n=1",
    "\0=1",
    " =1",
    "\u00a0=1",
    "\u200b=1",
    "\ufeff=1",
    '"=1',
    "'=1",
    ' "“=1',
    "＝1",
    "＋1",
    "－1",
    "＠1",
    "﹦1",
    '=HYPERLINK("http://evil.example")',
    "-2+3+cmd|' /C calc'!A0",
]
# What a spreadsheet skips, and what it runs, written anew: the tests do not believe the code's own pattern.
SKIPPED = re.compile(r"[\s\x00-\x1f\u00a0\u200b\ufeff\"'“]*")
STARTS = tuple("=+-@＝＋－＠﹦﹢﹣﹫")
TEXTS = st.text() | st.text(alphabet="=+-@＝'\"; \t\r\n,a\u200b\ufeff\0")


def guard(*texts: str | None) -> list[Any]:
    return list(guarded(pa.chunked_array([pa.array(texts, pa.string())])).to_pylist())


def is_formula(cell: str) -> bool:
    """By the rule of the tests. The apostrophe of the guard is not skipped: it is what stops a formula."""
    if cell.startswith("'"):
        return False
    return cell.startswith(("\t", "\r", "\n", "\0")) or cell[SKIPPED.match(cell).end() :].startswith(STARTS)  # type: ignore[union-attr]


def read(content: bytes, delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(), newline=""), delimiter=delimiter))


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_becomes_a_formula(text: str) -> None:
    (cell,) = guard(text)
    assert cell.startswith("'")
    assert cell.replace("'", "") == text.replace("'", "")


@pytest.mark.parametrize("text", ["tea", "a=b", "1-1", "'quoted", "", "won-back", "3; 4", "a@b.example"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert guard(text) == [text]


@pytest.mark.parametrize("text", ["a;=1", "a;  +1", 'a\n"-1', "a\t@x", "a\r=1"])
def test_nothing_within_a_cell_becomes_a_formula_where_another_sign_separates(text: str) -> None:
    (cell,) = guard(text)
    assert cell != text
    assert cell.replace("'", "") == text.replace("'", "")


@given(st.lists(TEXTS, min_size=1, max_size=5), TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_whatever_the_text_no_cell_starts_a_formula(texts: list[str], name: str, parts: list[str]) -> None:
    content = csv_header([name, "list"]) + csv_rows(
        [
            cells_as_text(pa.chunked_array([pa.array(texts, pa.string())])),
            cells_as_text(pa.chunked_array([pa.array([parts] * len(texts), pa.list_(pa.string()))])),
        ]
    )
    rows = read(content)
    assert len(rows) == 1 + len(texts)
    assert not [cell for row in rows for cell in row if is_formula(cell)]
    for row, text in zip(rows[1:], texts, strict=True):
        assert row[0].replace("'", "") == text.replace("'", "")


def test_without_the_guard_the_rule_above_fails() -> None:
    """The control."""
    column = pa.chunked_array([pa.array(FORMULAS, pa.string())])
    assert all(is_formula(cell) or cell.startswith("'") for (cell,) in read(csv_rows([column])))
    assert not [cell for (cell,) in read(csv_rows([guarded(column)])) if is_formula(cell)]


@given(st.lists(TEXTS, min_size=1, max_size=5))
@settings(max_examples=200, deadline=None)
def test_nor_does_one_where_semicolons_separate(texts: list[str]) -> None:
    content = csv_rows([guarded(pa.chunked_array([pa.array(texts, pa.string())]))])
    bare = content.decode().replace('"', "")  # a reader that does not know our quotes
    assert not [cell for cell in bare.split(";")[1:] if cell.strip().startswith(STARTS)]


def test_numbers_stay_numbers_and_nothing_is_nothing() -> None:
    columns = [
        pa.array([-1, None], pa.int64()),
        pa.array([-1.5, float("nan")]),
        pa.array([-0.25, float("inf")], pa.float32()),
        pa.array([Decimal("-2.50"), None]),
        pa.array([None, True]),
        pa.nulls(2),
        pa.array(["", None]),
    ]
    rows = read(csv_rows([cells_as_text(pa.chunked_array([column])) for column in columns]))
    assert rows == [["-1", "-1.5", "-0.25", "-2.50", "", "", ""], ["", "", "", "", "true", "", ""]]


def test_cells_of_other_kinds() -> None:
    columns = [
        pa.array([["a", "b"], None, ["=1", None]]),
        pa.array([{"a": 1}, None, {"a": -1}]),
        pa.array([[1, 2], None, [-1]]),
        pa.array(["=x", "y", None]).dictionary_encode(),
        pa.array([date(2025, 1, 2), None, date(1969, 12, 31)]),
    ]
    rows = read(csv_rows([cells_as_text(pa.chunked_array([column])) for column in columns]))
    assert rows[0] == ["a; b", '{"a":1}', "[1,2]", "'=x", "2025-01-02"]
    assert rows[1] == ["", "", "", "y", ""]
    assert rows[2] == ["'=1; ", '{"a":-1}', "[-1]", "", "1969-12-31"]


@given(st.lists(st.none() | st.datetimes(timezones=st.just(UTC))))
@settings(max_examples=60, deadline=None)
def test_times_are_utc_to_the_second(times: list[datetime | None]) -> None:
    column = pa.chunked_array([pa.array(times, pa.timestamp("us", "UTC"))])
    expected = [None if time is None else f"{time.replace(microsecond=0, tzinfo=None).isoformat()}Z" for time in times]
    assert times_as_text(column).to_pylist() == expected


def test_times_of_elsewhere_are_told_in_utc() -> None:
    berlin = datetime(2025, 1, 2, 3, tzinfo=timezone(timedelta(hours=1)))
    for unit in ("s", "ms", "us", "ns"):
        column = pa.chunked_array([pa.array([berlin.astimezone(UTC)], pa.timestamp(unit, "Europe/Berlin"))])
        assert times_as_text(column, " ", "+00:00").to_pylist() == ["2025-01-02 02:00:00+00:00"]


def test_the_whole_table_streams_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports_csv, "ROWS_PER_BATCH", 10)
    keys = [f"key-{number:03d}" for number in range(95)]
    texts = (FORMULAS * 5)[:95]
    table = ServedTable(pa.table({"key": keys, "=evil": texts, "n": range(-5, 90)}), "key")
    parts = list(csv_chunks(table, np.arange(95), ["key", "n", "=evil"]))
    assert len(parts) == 11
    rows = read(b"".join(parts))
    assert rows[0] == ["key", "n", "'=evil"]
    assert [row[0] for row in rows[1:]] == keys
    assert [int(row[1]) for row in rows[1:]] == list(range(-5, 90))
    assert [row[2] for row in rows[1:]] == guard(*texts)
