"""History: items that the shopper has seen or bought before, by recency and frequency.

Most repeat purchases are found by personal frequency alone (Li et al., "A next basket recommendation reality check",
2023), so this source comes first for shoppers with a past.
"""

from typing import Any, ClassVar, Self

import numpy as np

from recsys.pairs import top_of_rows
from recsys.parameters import RecommendParameters
from recsys.retrieval.source import Proposals, State
from recsys.shoppers import Shoppers


class History:
    """Proposes what a shopper's own interactions speak for; it learns nothing from others."""

    name: ClassVar[str] = "history"

    def __init__(self, parameters: RecommendParameters) -> None:
        self._parameters = parameters

    @classmethod
    def fit(cls, state: State) -> Self:
        return cls(state.parameters)

    def candidates(self, shoppers: Shoppers, eligible: np.ndarray) -> Proposals:
        touches = shoppers.touches
        usable = np.flatnonzero(eligible[touches.items])
        limit = self._parameters.candidates_seen
        return Proposals(
            touches.keys, touches.weights, usable[top_of_rows(touches.rows[usable], touches.weights[usable], limit)]
        )

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(parameters)
