"""Names, addresses and pictures of recommended items, so that a mail template can show them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np
import orjson

from contracts import columns as c
from serving.answers.tables.table import ServedTable

# Attributes in which catalogues state them; the first that an item has counts.
URLS: Final = ("url", "link", "product_url")
IMAGES: Final = ("image_url", "image", "image_link")

Detail = Mapping[str, str]  # item id -> text


def item_details(items: ServedTable | None) -> dict[str, Detail]:
    """Title of a column -> its text by item; only the columns of which the catalogue has any."""
    if items is None:
        return {}
    wanted = [name for name in (c.ITEM_ID, c.ITEM_NAME, c.ATTRIBUTES) if name in items.columns]
    rows = [(row, _attributes(row)) for row in items.rows_at(np.arange(len(items), dtype=np.int32), wanted)]
    found = {
        "Recommended Names": _texts(rows, lambda row, _: row.get(c.ITEM_NAME)),
        "Recommended URLs": _texts(rows, lambda _, stated: _first(stated, URLS)),
        "Recommended Images": _texts(rows, lambda _, stated: _first(stated, IMAGES)),
    }
    return {title: texts for title, texts in found.items() if texts}


def details_of(ids: Sequence[Sequence[str] | None], texts: Detail) -> Iterator[str | None]:
    """A JSON list per customer, in the order of the recommended ids; empty texts where an item has none."""
    for each in ids:
        yield None if each is None else orjson.dumps([texts.get(item_id, "") for item_id in each]).decode()


def _texts(rows: list[tuple[dict[str, Any], dict[str, Any]]], text: Callable[[Any, Any], Any]) -> dict[str, str]:
    return {row[c.ITEM_ID]: str(found) for row, stated in rows if (found := text(row, stated))}


def _attributes(row: Mapping[str, Any]) -> dict[str, Any]:
    text = row.get(c.ATTRIBUTES)
    found: dict[str, Any] = orjson.loads(text) if text else {}
    return found


def _first(stated: Mapping[str, Any], names: Sequence[str]) -> Any:
    return next((stated[name] for name in names if stated.get(name)), None)
