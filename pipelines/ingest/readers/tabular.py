"""Read CSV and Parquet files through a mapping: each row becomes one JSON object of the event format."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import orjson

from contracts.errors import InputError, InvalidEvent
from pipelines.ingest.readers.mapping import Mapping
from pipelines.ingest.readers.record import Record, Refusal
from pipelines.ingest.readers.rows import Row, open_rows
from pipelines.ingest.readers.translation import Translation

BLOCK_ROWS: Final = 8_192


@dataclass(frozen=True)
class TabularBlock:
    """Rows of a table file as records, which are translated when they are iterated."""

    mapping: Mapping
    columns: tuple[str, ...]
    rows: list[Row]

    def __iter__(self) -> Iterator[Record]:
        translate = Translation(self.mapping, self.columns)
        return (_record(row, self.columns, translate) for row in self.rows)


def read_tabular(path: Path, mapping: Mapping) -> Iterator[TabularBlock]:
    """The records of a table file, in blocks. Raises InputError for a file or column that is missing."""
    table = open_rows(path, mapping.delimiter, mapping.encoding)
    if missing := sorted(mapping.columns() - set(table.columns)):
        raise InputError(
            f"{path} has no column {', '.join(map(repr, missing))}, which the mapping {mapping.source!r} needs; it has "
            f"{', '.join(map(repr, table.columns))}. Rename the columns, or give another mapping."
        )
    while rows := list(islice(table.rows, BLOCK_ROWS)):
        yield TabularBlock(mapping, table.columns, rows)


def _record(row: Row, columns: tuple[str, ...], translate: Translation) -> Record:
    original = (columns, row.values)
    if row.refusal is not None:
        return Record(b"", row.number, 0, row.refusal, original)
    try:
        raw = orjson.dumps(translate(row.values))
    except InvalidEvent as error:
        return Record(b"", row.number, 0, Refusal(error.code, str(error)), original)
    except (TypeError, ValueError) as error:
        return Record(b"", row.number, 0, Refusal("wrong_type", f"the row cannot be read: {error}."), original)
    return Record(raw, row.number, len(raw), None, original)
