"""Open the files of a call: by the mapping that was given, by the format that is recognised, or as JSON lines."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from contracts.errors import InputError
from contracts.logs.sources import JSON_FILE
from pipelines.ingest.readers.catalogue import CatalogueFile, merged_files, read_catalogue, read_items
from pipelines.ingest.readers.formats.format import Export, Format, Head, Terms
from pipelines.ingest.readers.formats.head import read_head
from pipelines.ingest.readers.formats.items import item_records
from pipelines.ingest.readers.formats.registry import FORMATS, TABLE_FORMATS, recognize
from pipelines.ingest.readers.formats.table import TableFormat, nearest
from pipelines.ingest.readers.segment import read_segment
from pipelines.ingest.readers.table_check import kind_of_table
from pipelines.ingest.readers.tables.language import Mapping
from pipelines.ingest.readers.tables.mapping import load_mapping
from pipelines.ingest.readers.tables.tabular import decimal_sign, open_table, read_tabular
from pipelines.ingest.report import Recognized


@dataclass
class Opened:
    """The files of a call, opened: nothing of the events is read yet, the items are."""

    events: list[tuple[Path, Export]] = field(default_factory=list)
    items: CatalogueFile | None = None
    partial: CatalogueFile | None = None  # items of which the files state some fields only
    recognized: list[Recognized] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def refused_items(self) -> list[pa.Table]:
        """Rows of the quarantine."""
        return [file.refused for file in (self.items, self.partial) if file is not None]


def open_files(files: Sequence[Path], mapping: str | None, catalogue: Path | None, terms: Terms) -> Opened:
    """Open the files. Raises InputError where one cannot be read or is a table that nothing recognises."""
    loaded = load_mapping(mapping) if mapping else None
    opened = Opened()
    whole: list[CatalogueFile] = []
    partial: list[CatalogueFile] = []
    for path in files:
        export = _opened(path, loaded, terms, opened)
        opened.events.append((path, export))
        if export.items is not None:
            (partial if export.is_partial else whole).append(read_items(export.items, path.name, terms.at))
    if catalogue is not None:
        known = _recognized(catalogue, terms, opened)
        if known is None or known.items is None:
            whole.append(read_catalogue(catalogue, terms.at))
        else:
            (partial if known.is_partial else whole).append(read_items(known.items, catalogue.name, terms.at))
    opened.items, opened.partial = merged_files(whole), merged_files(partial)
    return opened


def _opened(path: Path, mapping: Mapping | None, terms: Terms, opened: Opened) -> Export:
    if mapping is None:
        return _recognized(path, terms, opened) or _json_lines(path)
    if mapping.export is not None:
        return _of_format(TableFormat(mapping), path, read_head(path), terms, opened)
    opened.notes += _known_otherwise(path, mapping)
    return _with_mapping(path, mapping, terms)


def _recognized(path: Path, terms: Terms, opened: Opened) -> Export | None:
    head = read_head(path)
    found = recognize(path, head, FORMATS)
    return None if found is None else _of_format(found, path, head, terms, opened)


def _of_format(found: Format, path: Path, head: Head, terms: Terms, opened: Opened) -> Export:
    export = found.open(path, head, terms)
    opened.recognized.append(Recognized(str(path), found.name, export.title, export.takes, export.leaves))
    return export


def _known_otherwise(path: Path, mapping: Mapping) -> list[str]:
    """That a file with a mapping is of a known format, which may read more of it than the mapping does."""
    head = read_head(path)
    return [
        f"{path.name} is an export of the format {known.name}, which is read without --mapping. The mapping "
        f"{mapping.source} was used; compare both with --dry-run."
        for known in FORMATS
        if known.recognizes(head)
    ]


def _with_mapping(path: Path, mapping: Mapping, terms: Terms) -> Export:
    blocks = read_tabular(path, mapping, terms) if mapping.fields else ()
    export = Export(mapping.source, mapping.source, (), (), blocks)
    if mapping.items is None:
        return export
    decimal = decimal_sign(path, mapping, terms, open_table(path, mapping))
    items = item_records(open_table(path, mapping), mapping, decimal)
    return replace(export, items=items, is_partial=mapping.items.is_partial)


def _json_lines(path: Path) -> Export:
    """The events of a file of JSON lines. A table is refused here: its rows would all end in the quarantine."""
    kind = kind_of_table(path)
    if kind is not None:
        raise InputError(
            f"{path} looks like {kind}, not like JSON lines, and its columns are those of no export that is known."
            f"{nearest(read_head(path), TABLE_FORMATS)} Say how its columns become events, with --mapping FILE.toml: "
            f"`shopkeeper mapping draft {path}` proposes one. docs/events.md explains the file."
        )
    return Export(JSON_FILE, "JSON lines", (), (), read_segment(path))
