"""Told items: what the shop told the running service of its items, on the way into the catalogue."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import ibis
import orjson
import pyarrow as pa

from contracts import columns as c
from contracts.catalogue_log import ItemLog, Word

_FIELDS: Final = tuple(name for name in c.CATALOGUE.names if name not in (c.ITEM_ID, c.UPDATED_AT))
_TOLD_AT: Final = "{name}_told_at"

# What was told, a row per item: `columns.CATALOGUE`, and when each field was.
TOLD: Final = pa.schema([*c.CATALOGUE, *(pa.field(_TOLD_AT.format(name=name), c.TIMESTAMP) for name in _FIELDS)])


def read_told_items(path: Path) -> pa.Table:
    """`TOLD` of what the item log holds; empty where there is none. Raises StorageError."""
    if not path.exists():
        return TOLD.empty_table()
    log = ItemLog(path)
    try:
        rows: dict[str, dict[str, Any]] = {}
        for word in log.read():
            rows.setdefault(word.item_id, {}).update(_cells(word))
    finally:
        log.close()
    return pa.Table.from_pylist(list(rows.values()), schema=TOLD)


def overlaid(items: ibis.Table, told: ibis.Table) -> ibis.Table:
    """`columns.CATALOGUE` of `items` with what was told after a row was updated, field by field, and of new items."""
    joined = items.outer_join(told, c.ITEM_ID, rname="{name}_told")
    updated_at = joined[c.UPDATED_AT]
    laid = {c.ITEM_ID: ibis.coalesce(joined[c.ITEM_ID], joined[f"{c.ITEM_ID}_told"])}
    for name in _FIELDS:
        told_at, value = joined[_TOLD_AT.format(name=name)], joined[f"{name}_told"]
        is_news = told_at.notnull() & (updated_at.isnull() | (told_at > updated_at))
        laid[name] = ibis.ifelse(is_news, value, joined[name])
        if name == c.ATTRIBUTES:
            both = ibis.coalesce(json_merge_patch(joined[name], value), value)
            laid[name] = ibis.ifelse(is_news, both, joined[name])
    laid[c.UPDATED_AT] = ibis.greatest(updated_at, joined[f"{c.UPDATED_AT}_told"])
    return joined.select(**{name: laid[name] for name in c.CATALOGUE.names})


@ibis.udf.scalar.builtin  # type: ignore[untyped-decorator]
def json_merge_patch(before: str, said: str) -> str:  # type: ignore[empty-body]
    """The engine's own: RFC 7396; null where either is."""


def _cells(word: Word) -> dict[str, Any]:
    if word.name == c.ITEM_ID:
        return {c.ITEM_ID: word.item_id, c.UPDATED_AT: word.told_at}
    value = _READ.get(word.name, _as_it_is)(word.value)
    return {word.name: value, _TOLD_AT.format(name=word.name): word.told_at}


def _as_it_is(value: Any) -> Any:
    return value


_READ: Final[dict[str, Callable[[Any], Any]]] = {
    c.AVAILABLE_FROM: datetime.fromisoformat,
    c.ATTRIBUTES: lambda value: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode(),
}
