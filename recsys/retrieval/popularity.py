"""Popularity: what most customers chose in the last 7 days, then in the last 28, overall and by category.

Under a time split this simplest source is hard to beat, and it is the only one that knows anything about a stranger.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np

from recsys.pairs import ragged, run_starts, top_of_rows
from recsys.parameters import RecommendParameters
from recsys.retrieval.source import Proposals, State
from recsys.shoppers import Shoppers

MAIN_CATEGORIES: Final = 3  # of a shopper, whose popular items are proposed


class Popularity:
    """Items from the most to the least popular: `order` (items,) int32; and the same within each category.

    `category_order` (items with a category,) int32 is sorted by category, then popularity; category c's part is
    category_offsets[c] : category_offsets[c + 1]. `category` (items,) int32 is each item's code or -1.
    """

    name: ClassVar[str] = "popular"

    def __init__(self, arrays: dict[str, np.ndarray], parameters: RecommendParameters) -> None:
        self.order = np.asarray(arrays["popular_order"])
        self.scores = np.asarray(arrays["popular_scores"])
        self._category_order = np.asarray(arrays["popular_category_order"])
        self._category_offsets = np.asarray(arrays["popular_category_offsets"])
        self._category = np.asarray(arrays["items_category"])
        self._parameters = parameters

    @classmethod
    def fit(cls, state: State) -> Self:
        scores = state.counters.popularity.astype(np.float32)
        category = state.items.category
        order = np.argsort(-scores, kind="stable").astype(np.int32)
        by_category = order[np.argsort(category[order], kind="stable")]
        sizes = np.bincount(category[category >= 0], minlength=len(state.items.categories))
        arrays = {
            "popular_order": order,
            "popular_scores": scores,
            "popular_category_order": by_category[category[by_category] >= 0],
            "popular_category_offsets": np.concatenate([[0], np.cumsum(sizes)]),
            "items_category": category,
        }
        return cls(arrays, state.parameters)

    def candidates(self, shoppers: Shoppers, eligible: np.ndarray) -> Proposals:
        top = self.top(self._parameters.candidates_popular, eligible)
        rows = np.repeat(np.arange(shoppers.size), len(top))
        keys = rows * shoppers.item_count + np.tile(top, shoppers.size)
        keys = np.sort(np.concatenate([keys, self._by_category(shoppers, eligible)]))
        keys = keys[run_starts(keys)]
        return Proposals(keys, self.scores[keys % shoppers.item_count], np.arange(len(keys)))

    def top(self, limit: int, eligible: np.ndarray) -> np.ndarray:
        """The `limit` most popular eligible items, most popular first; items without any popularity come last."""
        reach = 4 * limit
        while True:
            found = self.order[:reach][eligible[self.order[:reach]]]
            if len(found) >= limit or reach >= len(self.order):
                return np.asarray(found[:limit], np.int64)
            reach *= 8

    def top_of_category(self, category: int, limit: int, eligible: np.ndarray) -> np.ndarray:
        """The `limit` most popular eligible items of one category."""
        span = self._category_order[self._category_offsets[category] : self._category_offsets[category + 1]]
        return np.asarray(span[eligible[span]][:limit], np.int64)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {
            "popular_order": self.order,
            "popular_scores": self.scores,
            "popular_category_order": self._category_order,
            "popular_category_offsets": self._category_offsets,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(arrays, parameters)

    def _by_category(self, shoppers: Shoppers, eligible: np.ndarray) -> np.ndarray:
        """The keys of the popular items of each shopper's main categories."""
        if not len(self._category_order):
            return np.zeros(0, np.int64)
        affinity = shoppers.affinity(self._category)
        rows = affinity.keys // affinity.width
        main = top_of_rows(rows, affinity.shares, MAIN_CATEGORIES)
        categories = affinity.keys[main] % affinity.width
        starts = self._category_offsets[categories]
        lengths = self._category_offsets[categories + 1] - starts
        # A few spare places make up for items that are not eligible.
        spans, places = ragged(starts, np.minimum(lengths, 3 * self._parameters.candidates_per_category))
        items = self._category_order[places]
        usable = np.flatnonzero(eligible[items])
        kept = usable[top_of_rows(spans[usable], -np.arange(len(usable)), self._parameters.candidates_per_category)]
        return np.asarray(rows[main][spans[kept]] * shoppers.item_count + items[kept])
