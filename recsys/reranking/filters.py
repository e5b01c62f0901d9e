"""Filtering: which items a question's filters allow, remembered while the same filters are asked for again."""

from functools import lru_cache
from typing import Final

import numpy as np
from msgspec.structs import replace

from recsys.data.catalogue import Items
from recsys.request import Filters

REMEMBERED: Final = 16  # sets of filters; each costs one byte per item


class FilterMasks:
    """The masks (items,) bool of the filters asked for last; a mask is shared, so it must not be written to."""

    def __init__(self, items: Items) -> None:
        self.items = items
        self._mask = lru_cache(REMEMBERED)(self._matching)

    def of(self, filters: Filters) -> np.ndarray:
        """What `filters` allow, without what they say of single items and of this customer."""
        if filters.exclude_items or filters.exclude_known:
            filters = replace(filters, exclude_items=(), exclude_known=False)
        return self._mask(filters)

    def _matching(self, filters: Filters) -> np.ndarray:
        mask = matching_items(self.items, filters)
        mask.setflags(write=False)
        return mask


def matching_items(items: Items, filters: Filters) -> np.ndarray:
    """(items,) bool: stock, price, category, brand and attributes are as `filters` ask.

    An item whose value is not known passes no filter by that value, but stock that is not tracked is taken as there.
    """
    allowed = ~(items.stock <= 0) if filters.in_stock_only else np.ones(len(items), bool)
    if filters.price_min is not None:
        allowed &= items.price >= filters.price_min
    if filters.price_max is not None:
        allowed &= items.price <= filters.price_max
    for name, values in wanted_values(filters):
        having = items.having(name, values)
        if having is None:
            return np.zeros(len(items), bool)  # what nobody knows of any item, no item has
        allowed &= having
    return allowed


def wanted_values(filters: Filters) -> list[tuple[str, tuple[str, ...]]]:
    """By attribute, the values of which an item must have one; category and brand are attributes like any other."""
    named = (("category", filters.categories), ("brand", filters.brands), *filters.attributes.items())
    return [(name, values) for name, values in named if values]
