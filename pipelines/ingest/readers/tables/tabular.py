"""Read CSV and Parquet files through a mapping: each row becomes JSON objects of the event format."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Final

import orjson

from contracts.errors import InputError, InvalidEvent
from contracts.validation.amounts import DecimalSign
from pipelines.ingest.readers.formats.format import Terms
from pipelines.ingest.readers.record import Record, Refusal
from pipelines.ingest.readers.rows import Row, Rows, open_rows
from pipelines.ingest.readers.tables.groups import carried_down
from pipelines.ingest.readers.tables.language import Mapping, field_columns, listed
from pipelines.ingest.readers.tables.money import decimal_of_file
from pipelines.ingest.readers.tables.personal import Kept
from pipelines.ingest.readers.tables.translation import Translation

BLOCK_ROWS: Final = 8_192
_MONEY: Final = ("price", "revenue", "discount", "shipping", "tax", "refunded")


@dataclass(frozen=True)
class TabularBlock:
    """Rows of a table file as records, which are translated when they are iterated."""

    mapping: Mapping
    columns: tuple[str, ...]
    rows: list[Row]
    at: datetime
    decimal: DecimalSign | None

    def __iter__(self) -> Iterator[Record]:
        translate = Translation(self.mapping, self.columns, self.at, self.decimal)
        kept = Kept(self.columns, self.mapping.columns())
        return (record for row in self.rows for record in _records(row, kept, translate))


def read_tabular(path: Path, mapping: Mapping, terms: Terms) -> Iterator[TabularBlock]:
    """The records of a table file, in blocks. Raises InputError for a file or column that is missing."""
    table = open_table(path, mapping)
    decimal = decimal_sign(path, mapping, terms, open_table(path, mapping))
    return blocks_of(table, mapping, terms.at, decimal)


def open_table(path: Path, mapping: Mapping) -> Rows:
    """The rows of a table that has every column of the mapping. Raises InputError."""
    table = open_rows(path, mapping.delimiter, mapping.encoding)
    if missing := sorted(mapping.columns() - set(table.columns)):
        raise InputError(
            f"{path} has no column {', '.join(map(repr, missing))}, which the mapping {mapping.source!r} needs; it has "
            f"{', '.join(map(repr, table.columns))}. Rename the columns, or give another mapping."
        )
    return table


def decimal_sign(path: Path, mapping: Mapping, terms: Terms, table: Rows) -> DecimalSign | None:
    """The sign that marks decimals: the user's word, the mapping's, or what the file's amounts show."""
    if terms.decimal or mapping.decimal:
        return terms.decimal or mapping.decimal
    fields = field_columns(mapping.fields) | field_columns(mapping.items)
    columns = {each for name in _MONEY if name in fields for each in listed(fields[name])}
    places = [(column, place) for place, column in enumerate(table.columns) if column in columns]
    cells = (
        (column, row.values[place])
        for row in table.rows
        if row.refusal is None
        for column, place in places
        if isinstance(row.values[place], str)
    )
    return decimal_of_file(cells, str(path)) if places else None


def blocks_of(table: Rows, mapping: Mapping, at: datetime, decimal: DecimalSign | None) -> Iterator[TabularBlock]:
    """The records of a table whose columns have the mapping's names."""
    if mapping.carry_down is not None:
        table = carried_down(table, mapping.carry_down)
    while rows := list(islice(table.rows, BLOCK_ROWS)):
        yield TabularBlock(mapping, table.columns, rows, at, decimal)


def _records(row: Row, kept: Kept, translate: Translation) -> list[Record]:
    original = kept(row)
    if row.refusal is not None:
        return [Record(b"", row.number, 0, row.refusal, original)]
    try:
        raws = [orjson.dumps(event) for event in translate(row.values)]
    except InvalidEvent as error:
        return [Record(b"", row.number, 0, Refusal(error.code, str(error)), original)]
    except (TypeError, ValueError) as error:
        return [Record(b"", row.number, 0, Refusal("wrong_type", f"the row cannot be read: {error}."), original)]
    return [Record(raw, row.number, len(raw), None, original) for raw in raws]
