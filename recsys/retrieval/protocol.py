"""The protocol of a candidate source."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool


@dataclass(frozen=True)
class FitData:
    """The data that a source is fitted on: everything known before `now` (seconds since 1970 UTC).

    `log` may hold sessions after `now`. A source reads it only up to a user's cutoff, and never fits on later sessions.
    """

    interactions: Interactions
    log: SessionLog
    counters: ItemCounters
    items: Items
    now: int
    parameters: RecommendParameters
    seed: int = 7
    threads: int = 1


@dataclass(frozen=True)
class Column:
    """One score that a source gives to items; its `limit` best items become candidates (0: none).

    The features always hold the score itself. The flags add the score divided by the request's largest score, its rank
    among the candidates, and the score divided by the root of the item's popularity. `weight` is the column's default
    in the pre-ranking, which limits the candidates.
    """

    name: str
    limit: int = 0
    weight: float = 0.0
    is_max_normalised: bool = True
    is_ranked: bool = False
    is_popularity_normalised: bool = False


class Source(Protocol):
    """Scores items for one user. It is fitted once, then pure: the same user gets the same scores.

    `retrieve` scores the items that the source itself finds; such a score is never negative, and 0 means nothing.
    """

    name: ClassVar[str]

    @classmethod
    def fit(cls, state: FitData) -> Self:
        """Learn from everything before the data's `now`."""

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        """The columns that `retrieve` writes, in order."""

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        """Write the source's columns, which begin at column `first` of the pool."""

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        """The same source for a catalogue to which items were appended; `items` and `counters` hold them too."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything that the source has learned."""

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        """The source that wrote the arrays."""
