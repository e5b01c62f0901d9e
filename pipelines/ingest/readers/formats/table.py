"""Formats of tables: a mapping that names the columns of its export, which are recognised however they are written."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from contracts.errors import InputError
from pipelines.ingest.readers.formats.format import Export, Head, Terms
from pipelines.ingest.readers.formats.items import item_records
from pipelines.ingest.readers.rows import Row, Rows, open_rows
from pipelines.ingest.readers.tables.language import ExportHeader, Mapping
from pipelines.ingest.readers.tables.mapping import load_mapping, shipped_mappings
from pipelines.ingest.readers.tables.tabular import blocks_of, decimal_sign

_KINDS: Final = ("table", "parquet")


@dataclass(frozen=True)
class TableFormat:
    """Files whose columns are those of a mapping's `export`."""

    mapping: Mapping

    @property
    def name(self) -> str:
        """The mapping's name."""
        return self.mapping.source

    @property
    def header(self) -> ExportHeader:
        """What the mapping says of its files."""
        assert self.mapping.export is not None
        return self.mapping.export

    @cached_property
    def _names(self) -> dict[str, str]:
        """Every way to write a column of the mapping -> the column."""
        columns = {*self.mapping.columns(), *self.header.required, *self.header.absent}
        aliases = {alias: column for column, names in self.header.aliases.items() for alias in names}
        return {plain(name): name for name in columns} | {plain(alias): name for alias, name in aliases.items()}

    def recognizes(self, head: Head) -> bool:
        """Whether every required column is there and no absent one."""
        if head.kind not in _KINDS:
            return False
        columns = {self._names.get(plain(column)) for column in head.columns}
        name = self.header.file_name
        return (
            columns.issuperset(self.header.required)
            and columns.isdisjoint(self.header.absent)
            and (name is None or re.fullmatch(name, head.name) is not None)
        )

    def missing(self, head: Head) -> list[str]:
        """The required columns that a file lacks."""
        return sorted(set(self.header.required) - {self._names.get(plain(column)) for column in head.columns})

    def open(self, path: Path, head: Head, terms: Terms) -> Export:
        """The file's events, its items, or both; columns that the mapping does not name are not read."""
        if self.header.refused is not None:
            raise InputError(f"{path} is an export of {self.header.title}: {self.header.refused}")
        columns = self._columns(path, head)
        decimal = decimal_sign(path, self.mapping, terms, self._rows(path, head))
        items = self.mapping.items
        return Export(
            source=self.name,
            title=self.header.title,
            takes=tuple(column for column, name in columns if name is not None),
            leaves=tuple(column for column, name in columns if name is None),
            blocks=blocks_of(self._rows(path, head), self.mapping, terms.at, decimal) if self.mapping.fields else (),
            items=item_records(self._rows(path, head), self.mapping, decimal) if items else None,
            is_partial=items is not None and items.is_partial,
        )

    def _columns(self, path: Path, head: Head) -> list[tuple[str, str | None]]:
        """The file's columns, with the mapping's name of those that are read: of equal ones, the first."""
        unread = self.mapping.columns()
        found: list[tuple[str, str | None]] = []
        for column in head.columns:
            name = self._names.get(plain(column))
            found.append((column, name if name in unread else None))
            unread.discard(name or "")
        if missing := self.missing(head):
            raise InputError(
                f"{path} is no file of {self.header.title}: it has no column {', '.join(map(repr, missing))}; it has "
                f"{', '.join(map(repr, head.columns))}."
            )
        return found

    def _rows(self, path: Path, head: Head) -> Rows:
        """The rows with the columns that are read, under the mapping's names; the others are blank."""
        places = {name: place for place, (_, name) in enumerate(self._columns(path, head)) if name is not None}
        table = open_rows(path, head.delimiter, head.encoding)
        columns = tuple(sorted(self.mapping.columns()))
        return Rows(
            columns, _projected(table, [places.get(column, len(head.columns)) for column in columns], path.name)
        )


def plain(column: str) -> str:
    """A column's name without the differences that do not matter: case, and what surrounds it."""
    return " ".join(column.strip().strip("*\ufeff").casefold().replace("_", " ").split())


def nearest(head: Head, formats: Sequence[TableFormat]) -> str:
    """A sentence about the format of which a table lacks the fewest columns; empty where it is like none."""
    lacking = [(len(missing := each.missing(head)), len(each.header.required), missing, each) for each in formats]
    alike = [entry for entry in lacking if 0 < entry[0] <= entry[1] // 3]
    if not alike:
        return ""
    *_, missing, found = min(alike, key=lambda entry: (entry[0] / entry[1], entry[3].name))
    return f" It is most like {found.header.title}, but has no column {', '.join(map(repr, missing))}."


def table_formats() -> tuple[TableFormat, ...]:
    """The shipped mappings that can be recognised."""
    loaded = map(load_mapping, shipped_mappings())
    return tuple(TableFormat(mapping) for mapping in loaded if mapping.export is not None)


def _projected(table: Rows, places: list[int], file: str) -> Iterator[Row]:
    """The cells at these places. Of a row that cannot be read, only its number is kept: its cells may be personal."""
    cells: Any = itemgetter(*places, len(table.columns))
    for row in table.rows:
        if row.refusal is not None:
            yield Row(row.number, (f"{file}, line {row.number}",), row.refusal)
        else:
            yield Row(row.number, cells((*row.values, ""))[:-1])
