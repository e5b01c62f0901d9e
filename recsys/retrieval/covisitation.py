"""Co-visitation: items that the same people touched close together in time, per relation.

Each customer's last touch of an item is paired with the next few others inside the relation's window, so that a pair
counts once per customer, less the older it is. The cosine over customers keeps popular items from being everybody's
neighbour (Linden, Smith and York, 2003). Each item keeps its strongest neighbours. It breaks where customers touch one
item only.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np
from scipy.sparse import csr_array

from recsys.pairs import ragged, row_maxima, top_of_rows
from recsys.parameters import RecommendParameters
from recsys.query import KINDS
from recsys.retrieval.pairing import Relation, rows_to_csr, strongest_neighbours
from recsys.retrieval.source import Proposals, State
from recsys.shoppers import Shoppers


class CoVisitation:
    """One relation's neighbours as a sparse matrix (items, items), row i holding the neighbours of item i."""

    name: ClassVar[str]
    relation: ClassVar[Relation]

    @classmethod
    def visit_name(cls) -> str:
        """The name of what the relation says of the visit under way alone."""
        return f"{cls.name}_visit"

    def __init__(self, neighbours: csr_array, parameters: RecommendParameters) -> None:
        self.neighbours = neighbours
        self._parameters = parameters

    @classmethod
    def fit(cls, state: State) -> Self:
        return cls(strongest_neighbours(cls.relation, state), state.parameters)

    def candidates(self, shoppers: Shoppers, eligible: np.ndarray) -> Proposals:
        product = rows_to_csr(*self._anchors(shoppers), (shoppers.size, shoppers.item_count)) @ self.neighbours
        product.sort_indices()
        rows = np.repeat(np.arange(shoppers.size), np.diff(product.indptr))
        usable = np.flatnonzero(eligible[product.indices])
        chosen = usable[top_of_rows(rows[usable], product.data[usable], self._parameters.candidates_per_relation)]
        keys = rows * shoppers.item_count + product.indices
        return Proposals(keys, product.data.astype(np.float32, copy=False), chosen)

    def strongest_anchor(self, shoppers: Shoppers, items: np.ndarray) -> np.ndarray:
        """For a batch of one: the item of the history that speaks most for each of `items`, -1 where none does."""
        _, anchors, weights = self._anchors(shoppers)
        starts = self.neighbours.indptr[anchors]
        rows, places = ragged(starts, self.neighbours.indptr[anchors + 1] - starts)
        found = np.flatnonzero(np.isin(self.neighbours.indices[places], items))
        rows, places = rows[found], places[found]
        best = dict.fromkeys(items.tolist(), -1)
        ascending = np.argsort(weights[rows] * self.neighbours.data[places], kind="stable")
        columns, origins = self.neighbours.indices[places[ascending]], anchors[rows[ascending]]
        best.update(zip(columns.tolist(), origins.tolist(), strict=True))  # the strongest is written last
        return np.array([best[item] for item in items.tolist()], np.int64)

    def similar(self, item: int) -> tuple[np.ndarray, np.ndarray]:
        """The item's neighbours and their scores."""
        span = slice(self.neighbours.indptr[item], self.neighbours.indptr[item + 1])
        return self.neighbours.indices[span], self.neighbours.data[span]

    def to_arrays(self) -> dict[str, np.ndarray]:
        matrix = self.neighbours
        parts = {"indptr": matrix.indptr, "indices": matrix.indices, "data": matrix.data}
        return {f"{self.name}_{part}": array for part, array in parts.items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        parts = [np.asarray(arrays[f"{cls.name}_{part}"]) for part in ("data", "indices", "indptr")]
        size = len(parts[2]) - 1
        return cls(csr_array(tuple(parts), shape=(size, size), copy=False), parameters)

    def _anchors(self, shoppers: Shoppers) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, items and weights of the history's items that the relation starts from; the weightiest has 1."""
        touches = shoppers.touches
        starts = [KINDS.index(kind) for kind in self.relation.from_kinds]
        usable = np.flatnonzero(touches.counts[starts].any(axis=0))
        kept = usable[top_of_rows(touches.rows[usable], touches.weights[usable], self._parameters.anchors)]
        rows, weights = touches.rows[kept], touches.weights[kept]
        return rows, touches.items[kept], weights / row_maxima(rows, weights, shoppers.size)[rows]


class ViewedTogether(CoVisitation):
    """Touched in the same visit."""

    name = "viewed_together"
    relation = Relation(
        from_kinds=KINDS,
        to_kinds=KINDS,
        window_days=1.0,
        any_order=True,
        reason="because you {deed} {name}",
        similar_reason="goes with {name}",
    )


class ViewedThenBought(CoVisitation):
    """Bought by those who had looked at it."""

    name = "viewed_then_bought"
    relation = Relation(
        from_kinds=("view", "cart"),
        to_kinds=("order",),
        window_days=7.0,
        any_order=False,
        reason="bought by others who viewed {name}",
        similar_reason="bought by others who viewed {name}",
    )


class BoughtTogether(CoVisitation):
    """Bought by those who bought it, in the same order or another one near in time."""

    name = "bought_together"
    relation = Relation(
        from_kinds=("cart", "order"),
        to_kinds=("cart", "order"),
        window_days=30.0,
        any_order=True,
        reason="often bought with {name}",
        similar_reason="often bought with {name}",
    )


RELATIONS: Final = (ViewedTogether, ViewedThenBought, BoughtTogether)
