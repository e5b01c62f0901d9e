"""Rows as CSV chunks that a spreadsheet opens without running a formula."""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from contracts.time_units import SECONDS_PER_DAY
from serving.answers.tables.table import ServedTable

ROWS_PER_BATCH: Final = 4_096
# A cell that starts with one of these is a formula, or becomes one (OWASP: CSV injection). The full-width and small
# forms count too: some spreadsheets treat them as the plain ones.
FORMULA_STARTS: Final = "=+-@＝＋－＠﹦﹢﹣﹫"
# What readers skip before they look for a formula: spaces, invisible characters, quotes.
_SKIPPED: Final = r"""[\pZ\pC\s"'`´“”„‟‘’‚‛«»‹›＂＇]*"""
_START: Final = rf"[{FORMULA_STARTS.replace('-', chr(92) + '-')}]"
_DANGEROUS: Final = rf"^(?:[\t\r\n\x00]|{_SKIPPED}{_START})"
# A spreadsheet that splits at something else than commas starts a cell in the middle of ours.
_DANGEROUS_WITHIN: Final = rf"([;\t\r\n]{_SKIPPED})({_START})"
_NOTHING_WRITTEN: Final = pyarrow.csv.WriteOptions(include_header=False)


def csv_chunks(table: ServedTable, positions: np.ndarray, columns: Sequence[str]) -> Iterator[bytes]:
    """The header, then the rows, batch by batch."""
    yield csv_header(columns)
    for rows in table.batches(positions, columns, ROWS_PER_BATCH):
        yield csv_rows([cells_as_text(column) for column in rows.columns])


def csv_header(names: Sequence[str]) -> bytes:
    """One line with the names."""
    line = io.StringIO(newline="")
    csv.writer(line).writerow(guarded(pa.chunked_array([list(names)], pa.string())).to_pylist())
    return line.getvalue().removesuffix("\r\n").encode() + b"\n"  # lines end as Arrow ends them


def csv_rows(columns: Sequence[pa.ChunkedArray]) -> bytes:
    """The lines of columns that `cells_as_text` or `guarded` made."""
    sink = pa.BufferOutputStream()
    rows = pa.table(list(columns), names=[str(number) for number in range(len(columns))])
    pyarrow.csv.write_csv(rows, sink, _NOTHING_WRITTEN)
    return bytes(sink.getvalue())


def cells_as_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in a type whose CSV is safe and keeps the values; numbers stay numbers, negative ones too."""
    convert = next((convert for is_kind, convert in _CONVERSIONS if is_kind(column.type)), _structured)
    return convert(column)


def guarded(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Text with an apostrophe before everything that a spreadsheet would run."""
    if not pc.any(starts_formula(text.unique())).as_py():
        return text
    text = pc.replace_substring_regex(text, _DANGEROUS_WITHIN, r"\1'\2")
    return pc.if_else(pc.match_substring_regex(text, _DANGEROUS), pc.binary_join_element_wise("'", text, ""), text)


def starts_formula(text: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Which of the texts `guarded` would change."""
    return pc.match_substring_regex(text, f"{_DANGEROUS}|{_DANGEROUS_WITHIN}")


def times_as_text(column: pa.ChunkedArray, between: str = "T", zone: str = "Z") -> pa.ChunkedArray:
    """Times in UTC, to the second: 2025-01-02T03:04:05Z."""
    # Days and times of day are looked up; Arrow's own formatting is 30 times slower.
    microseconds = pc.cast(column, pa.timestamp("us", "UTC"), safe=False).cast(pa.int64())
    days, seconds = np.divmod(pc.fill_null(microseconds, 0).to_numpy() // 1_000_000, SECONDS_PER_DAY)
    distinct, codes = np.unique(days, return_inverse=True)
    dates = pa.array(distinct.astype("datetime64[D]")).cast(pa.string()).take(pa.array(codes))
    text = pc.binary_join_element_wise(dates, _times_of_day(zone).take(pa.array(seconds)), between)
    return pc.if_else(pc.is_valid(column), text, None)


def joined(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Lists of text as one text each: `first; second`."""
    lists = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if lists.flatten().null_count:
        lists = pa.array([parts and [part or "" for part in parts] for parts in lists.to_pylist()], lists.type)
    return pa.chunked_array([pc.binary_join(lists, "; ")])


@cache
def _times_of_day(zone: str) -> pa.Array:
    times = pa.array(np.arange(SECONDS_PER_DAY).astype("datetime64[s]")).cast(pa.string())
    return pc.binary_join_element_wise(pc.utf8_slice_codeunits(times, 11, 19), zone, "")


def _finite(column: pa.ChunkedArray) -> pa.ChunkedArray:
    is_finite = pc.is_finite(column)
    return column if pc.all(is_finite, min_count=0).as_py() else pc.if_else(is_finite, column, None)


def _structured(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Other types, as JSON."""
    texts = [None if cell is None else orjson.dumps(cell, default=str).decode() for cell in column.to_pylist()]
    return guarded(pa.chunked_array([pa.array(texts, pa.string())]))


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_list_of_text(kind: pa.DataType) -> bool:
    """Whether the cells are lists of text."""
    return bool((pa.types.is_list(kind) or pa.types.is_large_list(kind)) and _is_text(kind.value_type))


def _as_it_is(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column


_CONVERSIONS: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[[Any], Any]], ...]] = (
    (_is_text, guarded),
    (pa.types.is_floating, lambda column: _finite(column.cast(pa.float32()) if column.type == "halffloat" else column)),
    (lambda kind: pa.types.is_integer(kind) or pa.types.is_boolean(kind) or pa.types.is_date(kind), _as_it_is),
    (pa.types.is_decimal, _as_it_is),
    (pa.types.is_timestamp, times_as_text),
    (is_list_of_text, lambda column: guarded(joined(column))),
    (pa.types.is_dictionary, lambda column: cells_as_text(column.cast(column.type.value_type))),
    (pa.types.is_null, lambda column: column.cast(pa.string())),
)
