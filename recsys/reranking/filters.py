"""Filters: which items the filters of a request allow; the masks of the latest filters are cached."""

from functools import lru_cache
from typing import Final

import numpy as np
from msgspec.structs import replace

from recsys.data.catalogue import Items
from recsys.request import Filters

REMEMBERED: Final = 16  # sets of filters; each costs one byte per item


class FilterMasks:
    """The masks (items,) bool of the latest filters; a mask is shared and read-only."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self._mask = lru_cache(REMEMBERED)(self._matching)

    def of(self, filters: Filters) -> np.ndarray:
        """What `filters` allow, apart from `exclude_items` and `exclude_known`."""
        if filters.exclude_items or filters.exclude_known:
            filters = replace(filters, exclude_items=(), exclude_known=False)
        return self._mask(filters)

    def _matching(self, filters: Filters) -> np.ndarray:
        mask = matching_items(self.items, filters)
        mask.setflags(write=False)
        return mask


def matching_items(items: Items, filters: Filters) -> np.ndarray:
    """(items,) bool: the items whose stock, price, category, brand and attributes match the filters.

    An item of unknown value passes no filter by that value; an item whose stock is not tracked counts as in stock.
    """
    allowed = ~(items.stock <= 0) if filters.in_stock_only else np.ones(len(items), bool)
    if filters.price_min is not None:
        allowed &= items.price >= filters.price_min
    if filters.price_max is not None:
        allowed &= items.price <= filters.price_max
    for name, values in wanted_values(filters):
        having = items.having(name, values)
        if having is None:
            return np.zeros(len(items), bool)  # the catalogue has no such attribute
        allowed &= having
    return allowed


def wanted_values(filters: Filters) -> list[tuple[str, tuple[str, ...]]]:
    """(attribute, values; an item must have one of them); category and brand are attributes like any other."""
    named = (("category", filters.categories), ("brand", filters.brands), *filters.attributes.items())
    return [(name, values) for name, values in named if values]
