"""Item labels: the catalogue fields of an item in an answer, cached."""

from collections.abc import Callable
from functools import lru_cache
from math import isnan
from typing import Final, NamedTuple

from recsys.data.catalogue import Items

KEPT_LABELS: Final = 50_000  # of the items shown most recently; about 300 bytes each


class ItemLabel(NamedTuple):
    """The item's id and the fields shown with it; None where unknown."""

    item_id: str
    name: str | None
    category: str | None
    price: float | None


class ItemLabels:
    """The labels of a catalogue's items, by index; thread-safe."""

    def __init__(self, items: Items) -> None:
        self.label: Callable[[int], ItemLabel] = lru_cache(KEPT_LABELS)(lambda item: _label(items, item))


def _label(items: Items, item: int) -> ItemLabel:
    category, price = int(items.category[item]), float(items.price[item])
    return ItemLabel(
        items.ids.value(item),
        items.names.value(item),
        items.categories.value(category) if category >= 0 else None,
        None if isnan(price) else float(f"{price:.7g}"),  # the digits of single precision
    )
