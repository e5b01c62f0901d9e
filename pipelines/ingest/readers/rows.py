"""Read the rows of a CSV or Parquet file in bounded memory."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import InputError
from contracts.events.parse import MAX_EVENT_BYTES
from pipelines.ingest.readers.lines import read_lines
from pipelines.ingest.readers.record import Refusal
from pipelines.ingest.readers.segment import oversized

BATCH_ROWS: Final = 8_192
_PARQUET_MAGIC: Final = b"PAR1"


class Row(NamedTuple):
    """One row's values in the order of the columns, or the reason why it could not be read."""

    number: int  # line of a CSV file, row of a Parquet file; counted from 1
    values: tuple[Any, ...]
    refusal: Refusal | None = None


@dataclass(frozen=True)
class Rows:
    """A table file: its columns, and its rows, which can be iterated once."""

    columns: tuple[str, ...]
    rows: Iterator[Row]


def open_rows(path: Path, delimiter: str = ",", encoding: str = "utf-8") -> Rows:
    """Open a CSV or Parquet file; its first bytes tell which. Raises InputError."""
    if _is_parquet(path):
        return _open_parquet(path)
    return _open_csv(path, delimiter, encoding)


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(_PARQUET_MAGIC)) == _PARQUET_MAGIC
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}. Nothing of this call was stored.") from None


def _open_parquet(path: Path) -> Rows:
    try:
        columns = tuple(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise _damaged(path, error) from None
    return Rows(columns, _parquet_rows(path))


def _parquet_rows(path: Path) -> Iterator[Row]:
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(BATCH_ROWS, use_threads=False):
                for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    number += 1
                    yield Row(number, values)
    except (pa.ArrowInvalid, OSError, UnicodeDecodeError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(
        f"{path} is a damaged or truncated Parquet file ({str(error)[:200]}); nothing of this call was stored. "
        "Fetch the file again, or leave it out."
    )


class _TextLines:
    """Physical lines for csv.reader, which may join several to one row. Unreadable lines are collected in `refused`."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.refused: list[Row] = []
        self.number = 0
        self._lines = read_lines(path)
        self._encoding = encoding

    def __iter__(self) -> Iterator[str]:
        for number, text, size in self._lines:
            self.number = number
            try:
                decoded = text.decode(self._encoding) + "\n"
            except UnicodeDecodeError as error:
                self._refuse(text, Refusal("malformed_csv", f"the line is not {self._encoding} text: {error.reason}."))
                continue
            if size > MAX_EVENT_BYTES:
                self._refuse(text, oversized(size))
            else:
                yield decoded

    def _refuse(self, text: bytes, refusal: Refusal) -> None:
        self.refused.append(Row(self.number, (text.decode("utf-8", "backslashreplace"),), refusal))


def _open_csv(path: Path, delimiter: str, encoding: str) -> Rows:
    lines = _TextLines(path, encoding)
    reader = csv.reader(iter(lines), delimiter=delimiter)
    try:
        columns = tuple(name.strip() for name in next(reader, ()))
    except csv.Error as error:
        raise InputError(f"{path}: the header cannot be read ({error}). Give a CSV file with a header line.") from None
    if not columns and not lines.refused:
        raise InputError(f"{path} is empty; a CSV file needs a header line with the names of its columns.")
    return Rows(columns, _csv_rows(lines, reader, len(columns)))


def _csv_rows(lines: _TextLines, reader: Any, width: int) -> Iterator[Row]:
    while True:
        first = lines.number + 1
        try:
            values = tuple(next(reader))
        except StopIteration:
            yield from _drained(lines)
            return
        except csv.Error as error:
            reason = f"lines {first} to {lines.number} are not a CSV row: {error}. Check the quotes."
            yield Row(lines.number, (), Refusal("malformed_csv", reason))
            continue
        yield from _drained(lines)
        if not any(values):  # as a spreadsheet writes an empty line
            continue
        if len(values) == width:
            yield Row(lines.number, values)
        else:
            reason = f"the row has {len(values)} values, the header {width}. Check quotes and separators."
            yield Row(lines.number, values, Refusal("malformed_csv", reason))


def _drained(lines: _TextLines) -> Iterator[Row]:
    while lines.refused:
        yield lines.refused.pop(0)
