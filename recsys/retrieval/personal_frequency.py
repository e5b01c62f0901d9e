"""Personal frequency: items that the user has seen or bought before, by recency and frequency.

It finds most repeat purchases (Li et al., "A next basket recommendation reality check", 2023), and the items of the
current session to which many next clicks return.
"""

from typing import Any, ClassVar, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import NEVER_DAYS, UserHistory, UserItemAggregates
from recsys.kernels.jit import jit
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_of
from recsys.retrieval.protocol import Column, FitData


class PersonalFrequency:
    """Scores the user's own items; nothing is fitted."""

    name: ClassVar[str] = "history"

    @classmethod
    def fit(cls, state: FitData) -> Self:
        return cls()

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (
            Column("interest", limit=parameters.candidates_seen, weight=0.5),
            Column("session_recency", limit=parameters.candidates_seen, weight=1.0, is_max_normalised=False),
            Column("session_count", is_max_normalised=False),
            Column("recency", is_max_normalised=False),
            Column("order_recency", is_max_normalised=False),
            *(Column(f"{kind}_count", is_max_normalised=False) for kind in KINDS),
        )

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        _write(user.aggregates, pool, first)

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls()


@jit
def _write(aggregates: UserItemAggregates, pool: CandidatePool, first: int) -> None:
    scores = pool.scores
    for place in range(len(aggregates.items)):
        row = row_of(pool, aggregates.items[place])
        scores[first, row] = aggregates.interest[place]
        # The inverse of the age; 0 for "never", as for every item without interactions.
        scores[first + 1, row] = _closeness(aggregates.session_steps[place])
        scores[first + 2, row] = aggregates.session_counts[place]
        scores[first + 3, row] = _closeness(aggregates.last_days[place])
        scores[first + 4, row] = _closeness(aggregates.last_order_days[place])
        for kind in range(aggregates.counts.shape[1]):
            scores[first + 5 + kind, row] = aggregates.counts[place, kind]


@jit
def _closeness(age: float) -> float:
    return 0.0 if age >= NEVER_DAYS else 1.0 / (1.0 + age)
