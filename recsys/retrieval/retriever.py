"""Retrieval: several cheap sources score items, and the best of each become the candidates."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Self, TypeVar

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.catalogue_updates import ItemUpsert, resized_counters, updated_catalogue
from recsys.data.interactions import Interactions
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog
from recsys.data.user_history import UserHistory
from recsys.kernels.thread_local import ThreadLocal
from recsys.parameters import RecommendParameters
from recsys.retrieval.als import ALS
from recsys.retrieval.candidate_pool import CandidatePool, clear
from recsys.retrieval.content import Content
from recsys.retrieval.covisitation.source import RELATIONS, CoVisitation
from recsys.retrieval.item2vec.source import Item2Vec
from recsys.retrieval.personal_frequency import PersonalFrequency
from recsys.retrieval.popularity import Popularity
from recsys.retrieval.protocol import Column, FitData, Source
from recsys.retrieval.repurchase import Repurchase
from recsys.retrieval.selection import selected_rows
from recsys.retrieval.session_knn.source import SessionKNN
from recsys.retrieval.user_knn import UserKNN

SOURCES: Final[tuple[type[Source], ...]] = (
    PersonalFrequency,
    Repurchase,
    SessionKNN,
    *RELATIONS,
    UserKNN,
    Item2Vec,
    Popularity,
    Content,
    ALS,  # last, because it scores what the others wrote
)

Kind = TypeVar("Kind", bound=Source)


@dataclass(frozen=True)
class Retrieved:
    """The candidates of one request: rows of the candidate pool.

    `rows` (candidates,) int64 are rows of `pool`; `items` (candidates,) int32 are their items; `selected_by`
    (candidates,) int64 has a bit for each retrieval column that selected the item. The pool belongs to the thread: it
    holds these candidates until the thread's next retrieval.
    """

    pool: CandidatePool
    rows: np.ndarray
    items: np.ndarray
    selected_by: np.ndarray

    def taken(self, places: np.ndarray) -> "Retrieved":
        """The candidates at `places`."""
        return Retrieved(self.pool, self.rows[places], self.items[places], self.selected_by[places])


@dataclass(frozen=True)
class Retriever:
    """The sources and the item counters, as of one time."""

    items: Items
    log: SessionLog
    counters: ItemCounters
    sources: dict[str, Source]
    parameters: RecommendParameters
    now: int

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        log: SessionLog,
        items: Items,
        now: int,
        target_kind: int,
        parameters: RecommendParameters,
        seed: int = 7,
        threads: int = 1,
    ) -> Self:
        """Fit every source on the interactions, which must all lie before `now` (seconds since 1970 UTC)."""
        assert not len(interactions) or int(interactions.times.max()) < now, "an interaction lies in the future"
        counters = ItemCounters.of(interactions, now, target_kind)
        state = FitData(interactions, log, counters, items, now, parameters, seed, threads)
        return cls(items, log, counters, {source.name: source.fit(state) for source in SOURCES}, parameters, now)

    @property
    def popularity(self) -> Popularity:
        return self._source(Popularity)

    @property
    def repurchase(self) -> Repurchase:
        return self._source(Repurchase)

    @property
    def vectors(self) -> Item2Vec:
        return self._source(Item2Vec)

    @property
    def content(self) -> Content:
        return self._source(Content)

    @property
    def factors(self) -> ALS:
        return self._source(ALS)

    @cached_property
    def relations(self) -> tuple[CoVisitation, ...]:
        return tuple(source for source in self.sources.values() if isinstance(source, CoVisitation))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the candidate pool."""
        return tuple(column for source in self.sources.values() for column in source.columns(self.parameters))

    def candidates(self, user: UserHistory, eligible: np.ndarray) -> Retrieved:
        """The union of the items that the sources select; `eligible` (items,) bool are the allowed items."""
        pool = self._pools.get()
        clear(pool)
        for source, first in self._first_columns:
            source.retrieve(user, eligible, pool, first)
        rows, selected_by = selected_rows(pool, eligible, *self._selection)
        return Retrieved(pool, rows, pool.items[rows], selected_by)

    def with_items(self, updates: Sequence[ItemUpsert]) -> "Retriever":
        """The same sources for the updated catalogue; nothing is fitted again."""
        items = updated_catalogue(self.items, updates)
        counters = resized_counters(self.counters, len(items))
        sources = {name: source.resized(items, counters) for name, source in self.sources.items()}
        return Retriever(items, self.log.resized(len(items)), counters, sources, self.parameters, self.now)

    def is_from(self, source: str, selected_by: np.ndarray) -> np.ndarray:
        """(candidates,) bool: which candidates one of the source's columns selected."""
        return np.asarray((selected_by & self.source_bits[source]) != 0)

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays = self.items.to_arrays() | self.counters.to_arrays() | self.log.to_arrays()
        for source in self.sources.values():
            arrays |= source.to_arrays()
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters, now: int) -> Self:
        sources = {source.name: source.from_arrays(arrays, parameters) for source in SOURCES}
        parts = (Items.from_arrays(arrays), SessionLog.from_arrays(arrays), ItemCounters.from_arrays(arrays))
        return cls(*parts, sources, parameters, now)

    def _source(self, kind: type[Kind]) -> Kind:
        source = self.sources[kind.name]
        assert isinstance(source, kind)
        return source

    @cached_property
    def _first_columns(self) -> tuple[tuple[Source, int], ...]:
        """Each source and its first column of the pool."""
        counts = [len(source.columns(self.parameters)) for source in self.sources.values()]
        return tuple(zip(self.sources.values(), np.cumsum([0, *counts[:-1]]).tolist(), strict=True))

    @cached_property
    def source_bits(self) -> dict[str, int]:
        """For each source, the bits in `selected_by` of its columns that select candidates."""
        bits = {self.columns[column].name: 1 << bit for bit, column in enumerate(self._selection[0].tolist())}
        return {
            name: sum(bits.get(column.name, 0) for column in source.columns(self.parameters))
            for name, source in self.sources.items()
        }

    @cached_property
    def _selection(self) -> tuple[np.ndarray, np.ndarray]:
        """The columns that select candidates, and their limits."""
        limits = np.array([column.limit for column in self.columns])
        return np.flatnonzero(limits), limits[limits > 0]

    @cached_property
    def _pools(self) -> ThreadLocal[CandidatePool]:
        return ThreadLocal(lambda: CandidatePool.of(len(self.items), len(self.columns)))
