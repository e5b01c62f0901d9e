"""The shelf: what an answer says of an item besides its score, looked up once and kept."""

from collections.abc import Callable
from functools import lru_cache
from math import isnan
from typing import Final, NamedTuple

from recsys.data.catalogue import Items

KEPT_LABELS: Final = 50_000  # of the items asked for last; about 300 bytes each


class Label(NamedTuple):
    """What is printed beside an item; None where it is not known."""

    name: str | None
    category: str | None
    price: float | None


class Shelf:
    """The labels of a recommender's items; may be used from several threads."""

    def __init__(self, items: Items) -> None:
        self.label: Callable[[str], Label] = lru_cache(KEPT_LABELS)(lambda item_id: _label(items, item_id))


def _label(items: Items, item_id: str) -> Label:
    place = items.ids.index(item_id)
    if place < 0:
        return Label(None, None, None)
    category, price = int(items.category[place]), float(items.price[place])
    return Label(
        name=items.names.value(place),
        category=items.categories.value(category) if category >= 0 else None,
        price=None if isnan(price) else float(f"{price:.7g}"),  # single precision, without invented digits
    )
