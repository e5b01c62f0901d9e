"""The protocol of a candidate source."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from recsys.interactions import Interactions, ItemCounters
from recsys.items import Items
from recsys.parameters import RecommendParameters
from recsys.shoppers import Shoppers


@dataclass(frozen=True)
class State:
    """What a source is fitted on: everything known before `now` (seconds since 1970 UTC)."""

    interactions: Interactions
    counters: ItemCounters
    items: Items
    now: int
    parameters: RecommendParameters


@dataclass(frozen=True)
class Proposals:
    """What a source says about a batch: every pair that it scores, and which of them it proposes.

    `keys` (pairs,) int64, sorted, are shopper * item_count + item; `scores` (pairs,) float32, not negative; `chosen`
    are places in both.
    """

    keys: np.ndarray
    scores: np.ndarray
    chosen: np.ndarray


class Source(Protocol):
    """Proposes items for shoppers. Fitted once, then pure: the same batch gets the same proposals."""

    name: ClassVar[str]

    @classmethod
    def fit(cls, state: State) -> Self:
        """Learn from everything before the state's moment."""

    def candidates(self, shoppers: Shoppers, eligible: np.ndarray) -> Proposals:
        """Proposals for a batch; only items where `eligible` (items,) bool is true are proposed."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything learned, as flat arrays whose names begin with the source's name."""

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        """The source that `to_arrays` wrote; arrays may be read-only memory maps and are not copied."""
