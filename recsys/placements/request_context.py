"""The context of one request: the query and everything that is looked up for it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recsys.data.user_history import UserHistory
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import Ranker
from recsys.request import Query
from recsys.retrieval.retriever import Retriever


@dataclass(eq=False)
class RequestContext:
    """What a placement proposes items from.

    `item` is the index of the open page's item, or -1. `cart` (items,) int64 are the indices of the cart's items.
    `eligible` (items,) bool says which items may be shown. `now` is in seconds since 1970 UTC.
    """

    query: Query
    shopper: UserHistory
    item: int
    cart: np.ndarray
    eligible: np.ndarray
    now: int
    pipeline: CandidatePipeline
    rankers: Mapping[str, Ranker]

    @property
    def retriever(self) -> Retriever:
        return self.pipeline.retriever

    @property
    def page(self) -> list[int]:
        """The open item, if there is one; for placements that are about the page before the cart."""
        return [self.item] if self.item >= 0 else []
