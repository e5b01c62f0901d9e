"""Policy: which items may be shown at all, decided before the top k are taken, and how a short list is filled."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsys.items import Items
from recsys.query import Filters
from recsys.retrieval.popularity import Popularity

ANY_ITEM: Final = "any_item"


@dataclass(frozen=True)
class Ranked:
    """Items in the order in which they are shown, (k,) int64, their scores, and which source put them there."""

    items: np.ndarray
    scores: np.ndarray
    filled: tuple[str, ...]  # of the last items: "popular" or "any_item"; empty if ranking filled the list


def eligible_items(items: Items, filters: Filters, now: int, hidden: np.ndarray) -> np.ndarray:
    """(items,) bool: what the filters allow at `now`, without the `hidden` items (places; the open page, the cart)."""
    eligible = items.available_from <= now
    if filters.in_stock_only:
        eligible &= ~(items.stock <= 0)  # NaN, stock that is not tracked, is taken as available
    if filters.price_min is not None:
        eligible &= items.price >= filters.price_min
    if filters.price_max is not None:
        eligible &= items.price <= filters.price_max
    if filters.categories:
        eligible &= _among(items.category, [items.categories.index(name) for name in filters.categories])
    if filters.brands:
        eligible &= _among(items.brand, [items.brands.index(name) for name in filters.brands])
    eligible[hidden] = False
    return np.asarray(eligible)


def top_k(candidates: np.ndarray, scores: np.ndarray, k: int, eligible: np.ndarray, popularity: Popularity) -> Ranked:
    """The k best candidates, filled up with popular and then with any eligible items while there are some."""
    best = np.argsort(-scores, kind="stable")[:k]
    shown, points = candidates[best], scores[best]
    missing = k - len(shown)
    if missing <= 0:
        return Ranked(shown, points, ())
    left = eligible.copy()
    left[candidates] = False
    extra = popularity.top(missing, left)
    floor = points[-1] if len(points) else 0.0
    filled = tuple("popular" if popularity.scores[item] > 0 else ANY_ITEM for item in extra)
    return Ranked(np.concatenate([shown, extra]), np.concatenate([points, floor - 1.0 - np.arange(len(extra))]), filled)


def _among(codes: np.ndarray, wanted: list[int]) -> np.ndarray:
    known = [code for code in wanted if code >= 0]
    return np.isin(codes, known) if known else np.zeros(len(codes), bool)
