"""Item labels: name, category and price of an item, looked up once and cached."""

from collections.abc import Callable
from functools import lru_cache
from math import isnan
from typing import Final, NamedTuple

from recsys.data.catalogue import Items

CACHED_LABELS: Final = 50_000  # of the items asked for last; about 300 bytes each


class ItemLabel(NamedTuple):
    """What an answer shows beside an item's id; None if it is not known."""

    name: str | None
    category: str | None
    price: float | None


class ItemLabels:
    """The labels of a recommender's items. Thread-safe."""

    def __init__(self, items: Items) -> None:
        self.label: Callable[[str], ItemLabel] = lru_cache(CACHED_LABELS)(lambda item_id: _label(items, item_id))


def _label(items: Items, item_id: str) -> ItemLabel:
    row = items.ids.index(item_id)
    if row < 0:
        return ItemLabel(None, None, None)
    category, price = int(items.category[row]), float(items.price[row])
    return ItemLabel(
        name=items.names.value(row),
        category=items.categories.value(category) if category >= 0 else None,
        price=None if isnan(price) else float(f"{price:.7g}"),  # single precision, without invented digits
    )
