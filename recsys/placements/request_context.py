"""The context of one request: the query with everything that is looked up for it, as the placements read it."""

from dataclasses import dataclass

import numpy as np

from recsys.data.user_history import UserHistory
from recsys.ranking.pipeline import CandidatePipeline
from recsys.request import Query
from recsys.retrieval.retriever import Retriever


@dataclass(frozen=True)
class RequestContext:
    """`item` is the place of the open page's item or -1; `cart` the places of the cart's; `eligible` (items,) bool."""

    query: Query
    shopper: UserHistory
    item: int
    cart: np.ndarray
    eligible: np.ndarray
    now: int
    pipeline: CandidatePipeline

    @property
    def retriever(self) -> Retriever:
        return self.pipeline.retriever

    @property
    def anchors(self) -> np.ndarray:
        """The items that the page is about: the cart's, else the open one; (anchors,) int64."""
        if len(self.cart):
            return self.cart
        return np.array([self.item] if self.item >= 0 else [], np.int64)
