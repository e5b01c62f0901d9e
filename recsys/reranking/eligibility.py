"""Eligibility: which items may be shown at all. It is decided before the best are taken, so no list is cut short."""

import numpy as np

from recsys.data.catalogue import Items
from recsys.request import Filters
from recsys.reranking.compiled_policy import CompiledPolicy


def eligible_items(items: Items, filters: Filters, policy: CompiledPolicy, now: int, hidden: np.ndarray) -> np.ndarray:
    """A new (items,) bool: what filters and policy allow at `now`, without the `hidden` items (n,).

    The caller knows what to hide: the open page, the cart, the items that the filters exclude, and items of this
    customer's history that must not be shown.
    """
    assert items is policy.items, "the policy was compiled for another catalogue"
    eligible = policy.masks.of(filters) & policy.allowed
    if now < policy.last_launch:
        eligible &= items.available_from <= now
    eligible[hidden] = False
    return np.asarray(eligible)


def suppressed_purchases(
    bought: str, items: np.ndarray, seconds_since: np.ndarray, interval_seconds: np.ndarray
) -> np.ndarray:
    """Of the `items` (n,) that a customer bought, those that the policy's `bought` hides now.

    `seconds_since` the last order and `interval_seconds` between two orders of an item are (n,). An item whose
    interval is unknown, NaN, is never due again.
    """
    is_hidden = {
        "ranked": np.zeros(len(items), bool),
        "when_due": ~(seconds_since >= interval_seconds),
        "never": np.ones(len(items), bool),
    }
    return np.asarray(items[is_hidden[bought]], np.int64)
