"""The context of one request: the query and everything that is looked up for it; each placement scores its own."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from recsys.data.user_history import UserHistory
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import Ranker
from recsys.request import Query
from recsys.retrieval.retriever import Retriever


class Reason(NamedTuple):
    """The source that says most for an item, and the reason in words."""

    source: str
    words: str


@dataclass(eq=False)
class RequestContext(ABC):
    """A request to one placement, which proposes items, scores them and explains those that are shown.

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

    @abstractmethod
    def score(self) -> tuple[np.ndarray, np.ndarray]:
        """Distinct items (n,) int64 and their scores (n,) float64, higher is better."""

    @abstractmethod
    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        """Why each of the `shown` items is shown."""

    @property
    def retriever(self) -> Retriever:
        return self.pipeline.retriever

    @property
    def seeds(self) -> np.ndarray:
        """The items that the page is about: the cart's, else the open one; (seeds,) int64."""
        if len(self.cart):
            return self.cart
        return np.array([self.item] if self.item >= 0 else [], np.int64)
