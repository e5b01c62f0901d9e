"""Popularity: the items that most customers chose in the last 7 days, then in the last 28, overall and by category.

Under a time split it is a strong baseline, and it is the only source that has items for a cold-start user.
"""

from functools import cached_property
from typing import Any, ClassVar, Final, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import UserHistory
from recsys.kernels.jit import jit, read_only
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.protocol import Column, FitData

MAIN_CATEGORIES: Final = 3  # categories of a user, whose popular items are retrieved


class Popularity:
    """Items by descending popularity, overall and within each category.

    `order` (items,) int32 holds all items, `scores` (items,) float32 their popularity. `category_order` (items with a
    category,) int32 is sorted by category, then popularity; category c's part is category_offsets[c] :
    category_offsets[c + 1]. `category` (items,) int32 is each item's code or -1.
    """

    name: ClassVar[str] = "popular"

    def __init__(self, arrays: dict[str, np.ndarray], limits: tuple[int, int]) -> None:
        self.order = read_only(arrays["popular_order"])
        self.scores = read_only(arrays["popular_scores"])
        self._category_order = read_only(arrays["popular_category_order"])
        self._category_offsets = read_only(arrays["popular_category_offsets"])
        self._category = read_only(arrays["items_category"])
        self._limits = limits  # candidates overall, and per main category

    @classmethod
    def fit(cls, state: FitData) -> Self:
        return cls._of(state.counters.popularity.astype(np.float32), state.items, _limits(state.parameters))

    @classmethod
    def _of(cls, scores: np.ndarray, items: Items, limits: tuple[int, int]) -> Self:
        category = items.category
        order = np.argsort(-scores, kind="stable").astype(np.int32)
        by_category = order[np.argsort(category[order], kind="stable")]
        sizes = np.bincount(category[category >= 0], minlength=len(items.categories))
        arrays = {
            "popular_order": order,
            "popular_scores": scores,
            "popular_category_order": by_category[category[by_category] >= 0],
            "popular_category_offsets": np.concatenate([[0], np.cumsum(sizes)]),
            "items_category": category,
        }
        return cls(arrays, limits)

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        limit = parameters.candidates_popular + MAIN_CATEGORIES * parameters.candidates_per_category
        return (Column("popular", limit=limit, weight=0.2, is_max_normalised=False),)

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        _write_all(self.scores, pool, first)
        _write(self.order, self.scores, eligible, self._limits[0], pool, first)
        if len(self._category_order):
            for category in main_categories(user.aggregates.items, user.aggregates.interest, self._category).tolist():
                span = self._category_order[self._category_offsets[category] : self._category_offsets[category + 1]]
                _write(span, self.scores, eligible, self._limits[1], pool, first)

    @cached_property
    def popular_count(self) -> int:
        """The number of items with a popularity above 0."""
        return int(np.count_nonzero(self.scores))

    def top(self, limit: int, eligible: np.ndarray) -> np.ndarray:
        """The `limit` most popular eligible items, most popular first; items of popularity 0 come last."""
        return first_eligible(self.order, eligible, limit).astype(np.int64)

    def top_of_category(self, category: int, limit: int, eligible: np.ndarray) -> np.ndarray:
        """The `limit` most popular eligible items of one category."""
        span = self._category_order[self._category_offsets[category] : self._category_offsets[category + 1]]
        return first_eligible(span, eligible, limit).astype(np.int64)

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        return self._of(
            np.append(self.scores, np.zeros(len(items) - len(self.scores), np.float32)), items, self._limits
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {
            "popular_order": self.order,
            "popular_scores": self.scores,
            "popular_category_order": self._category_order,
            "popular_category_offsets": self._category_offsets,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(arrays, _limits(parameters))


def _limits(parameters: RecommendParameters) -> tuple[int, int]:
    return parameters.candidates_popular, parameters.candidates_per_category


@jit
def first_eligible(order: np.ndarray, eligible: np.ndarray, limit: int) -> np.ndarray:
    """The first `limit` eligible items of `order`."""
    found = np.empty(min(limit, len(order)), np.int32)
    count = 0
    for item in order:
        if count == limit:
            break
        if eligible[item]:
            found[count] = item
            count += 1
    return found[:count]


@jit
def main_categories(items: np.ndarray, interest: np.ndarray, category: np.ndarray) -> np.ndarray:
    """The up to three categories with the most `interest` (items,), most first."""
    codes = np.empty(len(items), np.int64)
    sums = np.empty(len(items), np.float32)
    count = 0
    for place in range(len(items)):
        code = category[items[place]]
        if code < 0:
            continue
        at = 0
        while at < count and codes[at] != code:
            at += 1
        if at == count:
            codes[at], sums[at] = code, 0.0
            count += 1
        sums[at] += interest[place]
    return codes[:count][np.argsort(-sums[:count], kind="mergesort")[:MAIN_CATEGORIES]]


@jit
def _write_all(scores: np.ndarray, pool: CandidatePool, first: int) -> None:
    """Write the popularity of the items in the pool, which the pre-ranking weighs too."""
    rows, written = pool.items, pool.scores
    for row in range(pool.size[0]):
        written[first, row] = scores[rows[row]]


@jit
def _write(
    order: np.ndarray, scores: np.ndarray, eligible: np.ndarray, limit: int, pool: CandidatePool, first: int
) -> None:
    for item in first_eligible(order, eligible, limit):
        if scores[item] > 0:
            pool.scores[first, row_of(pool, item)] = scores[item]
