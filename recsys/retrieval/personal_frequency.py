"""History: items that the shopper has seen or bought before, by recency and frequency.

Most repeat purchases are found by personal frequency alone (Li et al., "A next basket recommendation reality check",
2023), and many a next click goes back to an item of the same visit.
"""

from typing import Any, ClassVar, Final, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import KINDS
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import NEVER_DAYS, Shopper, Touches
from recsys.kernels.jit import compiled
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import Board, slot_of
from recsys.retrieval.protocol import Column, State


class History:
    """Proposes what a shopper's own interactions speak for; it learns nothing from others."""

    name: ClassVar[str] = "history"

    @classmethod
    def fit(cls, state: State) -> Self:
        return cls()

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (
            Column("interest", limit=parameters.candidates_seen, prior=0.5),
            Column("visit_recency", limit=parameters.candidates_seen, prior=1.0, is_relative=False),
            Column("visit_count", is_relative=False),
            Column("recency", is_relative=False),
            Column("order_recency", is_relative=False),
            *(Column(f"{kind}_count", is_relative=False) for kind in KINDS),
        )

    @staticmethod
    def judgements() -> tuple[str, ...]:
        return ()

    def propose(self, shopper: Shopper, eligible: np.ndarray, board: Board, first: int) -> None:
        _write(shopper.touches, board, first)

    def judge(self, shopper: Shopper, candidates: np.ndarray, out: np.ndarray) -> None:
        """Says nothing of items that the shopper has not touched."""

    def grown(self, items: Items, counters: ItemCounters) -> Self:
        return self

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls()


_NEVER: Final = NEVER_DAYS


@compiled
def _write(touches: Touches, board: Board, first: int) -> None:
    scores = board.scores
    for place in range(len(touches.items)):
        row = slot_of(board, touches.items[place])
        scores[first, row] = touches.interest[place]
        # One over the age: 0 is "never", as it is for every item that the shopper has not touched.
        scores[first + 1, row] = _closeness(touches.visit_steps[place])
        scores[first + 2, row] = touches.visit_counts[place]
        scores[first + 3, row] = _closeness(touches.last_days[place])
        scores[first + 4, row] = _closeness(touches.last_order_days[place])
        for kind in range(touches.counts.shape[1]):
            scores[first + 5 + kind, row] = touches.counts[place, kind]


@compiled
def _closeness(age: float) -> float:
    return 0.0 if age >= _NEVER else 1.0 / (1.0 + age)
