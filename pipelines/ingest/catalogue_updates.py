"""The catalogue updates that the running service accepted, upserted into the stored catalogue."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import ibis
import orjson
import pyarrow as pa

from contracts import columns as c
from contracts.logs.catalogue import CatalogueLog, FieldUpdate
from contracts.validation.bounds import MAX_MONEY, MAX_UNITS

_FIELDS: Final = tuple(name for name in c.CATALOGUE.names if name not in (c.ITEM_ID, c.UPDATED_AT))
_UPDATED_AT: Final = "{name}_updated_at"
_INSTANT: Final = timedelta(microseconds=1)  # so that it is later than a whole row of the same call

# One row per item: `columns.CATALOGUE`, and when each field was updated.
UPDATES: Final = pa.schema([*c.CATALOGUE, *(pa.field(_UPDATED_AT.format(name=name), c.TIMESTAMP) for name in _FIELDS)])


def read_updates(path: Path) -> pa.Table:
    """`UPDATES` from the catalogue log; empty where there is none. Raises StorageError."""
    if not path.exists():
        return UPDATES.empty_table()
    log = CatalogueLog(path)
    try:
        rows: dict[str, dict[str, Any]] = {}
        for update in log.read():
            rows.setdefault(update.item_id, {}).update(_cells(update))
    finally:
        log.close()
    return pa.Table.from_pylist(list(rows.values()), schema=UPDATES)


def partial_updates(items: pa.Table) -> pa.Table:
    """`UPDATES` from rows of `columns.CATALOGUE` that state some fields only; each is later than the row's time.

    Of several rows for an item the last value of each field counts.
    """
    rows: dict[str, dict[str, Any]] = {}
    for item in items.to_pylist():
        updated_at = item[c.UPDATED_AT] + _INSTANT
        row = rows.setdefault(item[c.ITEM_ID], {c.ITEM_ID: item[c.ITEM_ID]})
        row[c.UPDATED_AT] = updated_at
        for name in _FIELDS:
            if item[name] is not None:
                row |= {name: item[name], _UPDATED_AT.format(name=name): updated_at}
    return pa.Table.from_pylist(list(rows.values()), schema=UPDATES)


def upsert(items: ibis.Table, updates: ibis.Table) -> ibis.Table:
    """`columns.CATALOGUE` of `items` and of new items, with every field that was updated after its row."""
    joined = items.outer_join(updates, c.ITEM_ID, rname="{name}_new")
    row_updated_at = joined[c.UPDATED_AT]
    columns = {c.ITEM_ID: ibis.coalesce(joined[c.ITEM_ID], joined[f"{c.ITEM_ID}_new"])}
    for name in _FIELDS:
        updated_at, value = joined[_UPDATED_AT.format(name=name)], joined[f"{name}_new"]
        is_newer = updated_at.notnull() & (row_updated_at.isnull() | (updated_at > row_updated_at))
        if name == c.ATTRIBUTES:
            value = ibis.coalesce(json_merge_patch(joined[name], value), value)
        columns[name] = ibis.ifelse(is_newer, value, joined[name])
    columns[c.UPDATED_AT] = ibis.greatest(row_updated_at, joined[f"{c.UPDATED_AT}_new"])
    return joined.select(**{name: columns[name] for name in c.CATALOGUE.names})


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def json_merge_patch(before: str, patch: str) -> str:  # type: ignore[empty-body]
    """The engine's own function (RFC 7396); null where either argument is null."""


def _cells(update: FieldUpdate) -> dict[str, Any]:
    if update.name == c.ITEM_ID:
        return {c.ITEM_ID: update.item_id, c.UPDATED_AT: update.updated_at}
    if update.name in _MOST and not 0 <= update.value <= _MOST[update.name]:
        return {}  # stored before such numbers were refused
    value = _PARSERS.get(update.name, _as_it_is)(update.value)
    return {update.name: value, _UPDATED_AT.format(name=update.name): update.updated_at}


_MOST: Final = {c.PRICE: MAX_MONEY, c.STOCK: MAX_UNITS}


def _as_it_is(value: Any) -> Any:
    return value


_PARSERS: Final[dict[str, Callable[[Any], Any]]] = {
    c.AVAILABLE_FROM: datetime.fromisoformat,
    c.ATTRIBUTES: lambda value: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode(),
}
