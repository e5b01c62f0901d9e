"""Read the beginning of a file: what it is, and which columns or fields it has."""

import codecs
import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.errors import InputError
from pipelines.ingest.readers.formats.format import Head
from pipelines.ingest.readers.lines import readable

FIRST_BYTES: Final = 1 << 16
DELIMITERS: Final = ",;\t|"
_PARQUET_MAGIC: Final = b"PAR1"
_BYTE_ORDER_MARK: Final = codecs.BOM_UTF8
_QUOTED: Final = re.compile(r'"(?:[^"]|"")*"?')


def read_head(path: Path) -> Head:
    """The beginning of a plain or gzip file. Raises InputError where it cannot be read."""
    with readable(path) as file:
        start = file.read(FIRST_BYTES).removeprefix(_BYTE_ORDER_MARK)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise InputError(f"{path} is text in UTF-16, as Excel writes 'Unicode text'. Save it as CSV in UTF-8.")
    return replace(_head(path, start), name=path.name)


def _head(path: Path, start: bytes) -> Head:
    if start.startswith(_PARQUET_MAGIC):
        return Head("parquet", start, _parquet_columns(path))
    bare = start.lstrip()
    if bare.startswith((b"{", b"[")):
        return Head("json", start, first=_first_object(bare))
    if bare.startswith(b"<"):
        return Head("xml", start)
    return _table_head(start)


def _parquet_columns(path: Path) -> tuple[str, ...]:
    try:
        return tuple(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError):
        return ()  # the reader says what is wrong with it


def _first_object(text: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text.partition(b"\n")[0])
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _table_head(start: bytes) -> Head:
    encoding = "utf-8" if _is_utf8(start) else "cp1252"
    text = start.decode(encoding, "replace")
    delimiter = _delimiter(text)
    try:
        columns = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), [])
    except csv.Error:
        columns = []
    if len(columns) < 2:
        return Head("other", start)
    return Head("table", start, tuple(name.strip() for name in columns), {}, delimiter, encoding)


def _is_utf8(start: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)  # a character may be cut at the end
    except UnicodeDecodeError:
        return False
    return True


def _delimiter(text: str) -> str:
    """The separator that the first line has most of, outside quotes."""
    unquoted = _QUOTED.sub("", text).lstrip("\r\n").partition("\n")[0]
    return max(DELIMITERS, key=unquoted.count)
