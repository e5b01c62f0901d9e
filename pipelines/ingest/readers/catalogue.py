"""Read a catalogue file of the shop: CSV, Parquet or JSON lines, one item per row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import orjson
import pyarrow as pa

from contracts import columns as c
from contracts.errors import InputError, InvalidEvent
from contracts.events.ids import MAX_ID_CHARS
from contracts.validation.bounds import MAX_ATTRIBUTE, MAX_DEPTH, is_too_deep
from contracts.validation.item_fields import (
    Reader,
    read_id,
    read_moment,
    read_name,
    read_price,
    read_stock,
    repair_item,
)
from pipelines.ingest.quarantine import quarantine_row
from pipelines.ingest.readers.lines import readable
from pipelines.ingest.readers.record import Record
from pipelines.ingest.readers.rows import open_rows
from pipelines.ingest.readers.segment import read_segment
from recsys.data.attributes import MAX_ATTRIBUTE_CHARS, MAX_ATTRIBUTES

SOURCE: Final = "catalogue"
_BEGINNING_BYTES: Final = 4096
_NAMED: Final = tuple(name for name in c.CATALOGUE.names if name != c.ATTRIBUTES)
_READERS: Final[dict[str, Reader]] = {
    c.ITEM_ID: read_id,
    c.ITEM_NAME: read_name,
    c.ITEM_CATEGORY: read_name,
    c.ITEM_BRAND: read_name,
    c.PRICE: read_price,
    c.STOCK: read_stock,
    c.AVAILABLE_FROM: read_moment,
    c.UPDATED_AT: read_moment,
}


class CatalogueRow(msgspec.Struct, frozen=True):
    """One row of a catalogue file, in the order of `columns.CATALOGUE`; further columns are its attributes."""

    item_id: Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_ID_CHARS)]
    item_name: str | None = None
    item_category: str | None = None
    item_brand: str | None = None
    price: float | None = None
    stock: float | None = None
    available_from: datetime | None = None
    updated_at: datetime | None = None
    attributes: str | None = None  # JSON text


@dataclass(frozen=True)
class CatalogueFile:
    """The items of a catalogue file, the rows that were refused, and how many rows were repaired."""

    items: pa.Table  # `columns.CATALOGUE`
    refused: pa.Table  # `columns.QUARANTINE`
    quarantined: Counter[str]
    repaired: int
    repairs: Counter[str]  # by field


def read_catalogue(path: Path, received_at: datetime) -> CatalogueFile:
    """Read CSV, Parquet or JSON lines. A row without `updated_at` gets `received_at`.

    Raises InputError where the file cannot be read or has no column item_id.
    """
    return read_items(_records(path), path.name, received_at)


def read_items(records: Iterable[Record], origin: str, received_at: datetime) -> CatalogueFile:
    """The items that records state; `origin` is the file's name, for the quarantine."""
    rows: list[tuple[Any, ...]] = []
    refused: list[tuple[Any, ...]] = []
    codes: Counter[str] = Counter()
    repaired, repairs = 0, Counter[str]()
    for record in records:
        try:
            row, of_row = _checked(record, received_at)
            rows.append(row)
            repaired += bool(of_row)
            repairs.update(of_row)
        except InvalidEvent as error:
            codes[error.code] += 1
            refused.append(quarantine_row(record, error, origin, SOURCE, received_at))
    return CatalogueFile(_table(rows, c.CATALOGUE), _table(refused, c.QUARANTINE), codes, repaired, repairs)


def merged_files(files: Sequence[CatalogueFile]) -> CatalogueFile | None:
    """All rows of several files; None where there are none."""
    if not files:
        return None
    return CatalogueFile(
        pa.concat_tables([file.items for file in files]),
        pa.concat_tables([file.refused for file in files]),
        sum((file.quarantined for file in files), Counter()),
        sum(file.repaired for file in files),
        sum((file.repairs for file in files), Counter()),
    )


def _records(path: Path) -> Iterator[Record]:
    if _is_json(path):
        for block in read_segment(path):
            yield from block
        return
    table = open_rows(path)
    if c.ITEM_ID not in table.columns:
        raise InputError(
            f"{path} has no column {c.ITEM_ID!r}; it has {', '.join(map(repr, table.columns))}. A catalogue has "
            f"the columns {', '.join(_NAMED)}, of which only {c.ITEM_ID} is required, and any further attributes."
        )
    for row in table.rows:
        yield Record(b"", row.number, 0, row.refusal, (table.columns, row.values))


def _is_json(path: Path) -> bool:
    with readable(path) as file:
        return file.read(_BEGINNING_BYTES).lstrip().startswith(b"{")


def _checked(record: Record, received_at: datetime) -> tuple[tuple[Any, ...], list[str]]:
    """A row of `columns.CATALOGUE`, and which of its fields were repaired."""
    if record.refusal is not None:
        raise InvalidEvent(*record.refusal)
    try:
        fields, repairs = _fields(record)
        row = msgspec.convert({c.UPDATED_AT: received_at} | fields, CatalogueRow)
    except (msgspec.ValidationError, orjson.JSONDecodeError) as error:
        raise InvalidEvent("bad_catalogue_row", f"{error}. See the catalogue file's description.") from None
    return msgspec.structs.astuple(row), repairs


def _fields(record: Record) -> tuple[dict[str, Any], list[str]]:
    """The values of a row by name, without those that are blank or cannot be read, and which were repaired."""
    if is_too_deep(record.raw):
        raise InvalidEvent("bad_catalogue_row", f"objects and lists are nested more than {MAX_DEPTH} deep.")
    given = orjson.loads(record.raw) if record.original is None else dict(zip(*record.original, strict=True))
    if not isinstance(given, dict):
        raise InvalidEvent("bad_catalogue_row", "the line is not a JSON object. Send one item per line.")
    item = {name: given[name] for name in _NAMED if name in given}
    repairs = repair_item(item, _READERS)
    attributes = _attributes({name: value for name, value in given.items() if name not in _NAMED})
    return item | ({c.ATTRIBUTES: attributes} if attributes else {}), repairs


def _attributes(further: dict[str, Any]) -> str | None:
    """The attributes as JSON text with sorted keys, without empty ones; None where there are none."""
    nested = _nested(further.get(c.ATTRIBUTES))
    attributes: dict[str, str | int | float] = {}
    for name, value in (further if nested is None else further | nested).items():
        stated = None if nested is not None and name == c.ATTRIBUTES else _attribute(value)
        if 0 < len(name) <= MAX_ATTRIBUTE_CHARS and stated is not None and len(attributes) < MAX_ATTRIBUTES:
            attributes[name] = stated
    return orjson.dumps(attributes, option=orjson.OPT_SORT_KEYS).decode() if attributes else None


def _nested(value: Any) -> dict[str, Any] | None:
    """The value of a column `attributes` that is an object or its JSON text, as in our own tables; otherwise None."""
    try:
        found = orjson.loads(value) if isinstance(value, str) and value.startswith("{") else value
    except orjson.JSONDecodeError:
        return None
    return found if isinstance(found, dict) else None


def _attribute(value: Any) -> str | int | float | None:
    """The value as a number or a text; None if it is blank, too long, too large, or of another type, such as a list."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float | Decimal):
        number = value if isinstance(value, int) else float(value)
        return number if abs(number) <= MAX_ATTRIBUTE else None
    text = value.isoformat() if isinstance(value, date) else value
    stripped = text.strip() if isinstance(text, str) else ""
    return stripped if 0 < len(stripped) <= MAX_ATTRIBUTE_CHARS else None


def _table(rows: list[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    return pa.table([pa.array(values, f.type) for f, values in zip(schema, columns, strict=True)], schema=schema)
