"""Eligibility: which items may be shown at all, decided before any are chosen, so that no list comes back short."""

import numpy as np

from recsys.data.catalogue import Items
from recsys.request import Filters
from recsys.reranking.compiled_policy import CompiledPolicy


def eligible_items(items: Items, filters: Filters, policy: CompiledPolicy, now: int, hidden: np.ndarray) -> np.ndarray:
    """(items,) bool, the caller's own: what filters and policy allow at `now`, without the `hidden` items (places).

    `hidden` is what the caller alone can tell: the open page, the cart, the items that the filters exclude, and what
    this customer knows or bought where that is not to be shown.
    """
    assert items is policy.items, "the policy was applied to another catalogue"
    eligible = policy.masks.of(filters) & policy.allowed
    if now < policy.last_launch:
        eligible &= items.available_from <= now
    eligible[hidden] = False
    return np.asarray(eligible)


def suppressed_purchases(
    bought: str, places: np.ndarray, seconds_since: np.ndarray, interval_seconds: np.ndarray
) -> np.ndarray:
    """Of the items that a customer bought (places), those that the policy's `bought` hides now.

    `seconds_since` their last order and `interval_seconds` between two orders of the item are (places,); an item whose
    interval is not known, NaN, is never due again.
    """
    is_hidden = {
        "ranked": np.zeros(len(places), bool),
        "when_due": ~(seconds_since >= interval_seconds),
        "never": np.ones(len(places), bool),
    }
    return np.asarray(places[is_hidden[bought]], np.int64)
