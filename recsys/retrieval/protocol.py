"""The protocol of a candidate source."""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.interactions import Interactions
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import VisitLog
from recsys.data.user_history import Shopper
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import Board


@dataclass(frozen=True)
class State:
    """What a source is fitted on: everything known before `now` (seconds since 1970 UTC).

    `log` may hold visits after `now`: it is read as of a moment, by a shopper's cutoff, and never fitted on.
    """

    interactions: Interactions
    log: VisitLog
    counters: ItemCounters
    items: Items
    now: int
    parameters: RecommendParameters
    seed: int = 7
    threads: int = 1


@dataclass(frozen=True)
class Column:
    """One score that a source gives to items, and how many of its best become candidates.

    The ranker sees the score itself and, where the flags say so: its share of the shopper's best one, its rank among
    the candidates, and the score over the root of the item's popularity. `prior` is the weight of the share in a first,
    fixed blend of all columns, by which the candidates are limited.
    """

    name: str
    limit: int = 0
    prior: float = 0.0
    is_relative: bool = True
    is_ranked: bool = False
    is_damped: bool = False


class Source(Protocol):
    """Gives scores to items for one shopper. Fitted once, then pure: the same shopper gets the same scores.

    Scores are never negative; 0 says nothing. What `judge` says is said of every candidate, whoever proposed it;
    what `propose` says, of the items that the source itself knows to be near.
    """

    name: ClassVar[str]

    @classmethod
    def fit(cls, state: State) -> Self:
        """Learn from everything before the state's moment."""

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        """What `propose` writes, in order."""

    @staticmethod
    def judgements() -> tuple[str, ...]:
        """The names of the features that `judge` gives, in order."""

    def propose(self, shopper: Shopper, eligible: np.ndarray, board: Board, first: int) -> None:
        """Write the source's columns, which begin at column `first` of the board."""

    def judge(self, shopper: Shopper, candidates: np.ndarray, out: np.ndarray) -> None:
        """Fill `out` (judgements, candidates) float32 for the candidate items."""

    def grown(self, items: Items, counters: ItemCounters) -> Self:
        """The same source for a catalogue to which items were appended; `items` and `counters` hold them too."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything the source has learnt."""

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        """The source that wrote the arrays."""
