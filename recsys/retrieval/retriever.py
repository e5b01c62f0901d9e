"""Retrieval: several cheap sources propose candidates, and what they say of them becomes the ranker's features."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.catalogue_updates import NewItem, catalogue_with, counters_with
from recsys.data.interactions import Interactions, ItemCounters
from recsys.data.sessions import VisitLog
from recsys.data.user_history import Shopper
from recsys.kernels.jit import read_only
from recsys.kernels.thread_local import Scratch
from recsys.parameters import RecommendParameters
from recsys.ranking.features import Candidates, Describer, feature_names, prior_of
from recsys.ranking.session_features import VisitItems
from recsys.retrieval.als import Factors
from recsys.retrieval.candidate_pool import Board, clear, nominated
from recsys.retrieval.content import Content
from recsys.retrieval.covisitation.source import RELATIONS, CoVisitation
from recsys.retrieval.item2vec.source import Vectors
from recsys.retrieval.personal_frequency import History
from recsys.retrieval.popularity import Popularity
from recsys.retrieval.protocol import Column, Source, State
from recsys.retrieval.repurchase import Repurchase
from recsys.retrieval.session_knn.source import VisitNeighbours
from recsys.retrieval.user_knn import CustomerNeighbours

SOURCES: Final[tuple[type[Source], ...]] = (
    History,
    Repurchase,
    VisitNeighbours,
    VisitItems,
    *RELATIONS,
    CustomerNeighbours,
    Vectors,
    Popularity,
    Content,
    Factors,  # the last: it scores what the others wrote
)


@dataclass(frozen=True)
class Retriever:
    """Every source and every item counter, as of one moment."""

    items: Items
    log: VisitLog
    counters: ItemCounters
    sources: dict[str, Source]
    parameters: RecommendParameters
    now: int
    priors: np.ndarray  # (moments, columns) float32: of the first blend, outside a visit and inside

    @classmethod
    def fit(
        cls,
        interactions: Interactions,
        log: VisitLog,
        items: Items,
        now: int,
        target_kind: int,
        parameters: RecommendParameters,
        seed: int = 7,
        threads: int = 1,
    ) -> Self:
        """Fitted on the interactions given, which must all lie before `now` (seconds since 1970 UTC)."""
        assert not len(interactions) or int(interactions.times.max()) < now, "an interaction lies in the future"
        counters = ItemCounters.of(interactions, now, target_kind)
        state = State(interactions, log, counters, items, now, parameters, seed, threads)
        return cls(
            items,
            log,
            counters,
            {source.name: source.fit(state) for source in SOURCES},
            parameters,
            now,
            _priors(parameters),
        )

    @property
    def popularity(self) -> Popularity:
        source = self.sources[Popularity.name]
        assert isinstance(source, Popularity)
        return source

    @property
    def repurchase(self) -> Repurchase:
        source = self.sources[Repurchase.name]
        assert isinstance(source, Repurchase)
        return source

    @property
    def vectors(self) -> Vectors:
        source = self.sources[Vectors.name]
        assert isinstance(source, Vectors)
        return source

    @property
    def content(self) -> Content:
        source = self.sources[Content.name]
        assert isinstance(source, Content)
        return source

    @cached_property
    def relations(self) -> tuple[CoVisitation, ...]:
        return tuple(source for source in self.sources.values() if isinstance(source, CoVisitation))

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The board's columns."""
        return tuple(column for source in self.sources.values() for column in source.columns(self.parameters))

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The names of the features, in order."""
        return feature_names(self.columns, self._judgements)

    @cached_property
    def feature_place(self) -> dict[str, int]:
        """The column of each feature."""
        return {name: place for place, name in enumerate(self.features)}

    @cached_property
    def relation_features(self) -> np.ndarray:
        """(relations, 2) int64: the features with each relation's share, of the history and of the visit."""
        place = self.feature_place
        names = [(f"{relation.name}_relative", f"{relation.name}_visit_relative") for relation in self.relations]
        return np.array([[place[of_history], place[of_visit]] for of_history, of_visit in names], np.int64)

    def candidates(self, shopper: Shopper, eligible: np.ndarray) -> Candidates:
        """The union of what the sources nominate, described; `eligible` (items,) bool says what may be proposed."""
        board = self._board.get()
        clear(board)
        for source, first in self._proposing:
            source.propose(shopper, eligible, board, first)
        rows, nominators = nominated(board, eligible, *self._nominators)
        prior = prior_of(board, rows, self.priors[int(shopper.in_visit)])
        if len(rows) > self.parameters.candidates:
            kept = np.sort(np.argpartition(-prior, self.parameters.candidates)[: self.parameters.candidates])
            rows, nominators, prior = rows[kept], nominators[kept], prior[kept]
        items = board.items[rows]
        features = np.empty((len(self.features), len(items)), np.float32)
        self._describer.fill(shopper, board, rows, prior, features)
        for source, judged in self._judging:
            source.judge(shopper, items, features[judged])
        return Candidates(items, nominators, features.T)

    @cached_property
    def everything(self) -> np.ndarray:
        """(items,) bool, all true: in the past every item could be chosen, what was sold out then is not known."""
        return np.ones(len(self.items), bool)

    def with_priors(self, priors: np.ndarray, candidates: int) -> "Retriever":
        """The same sources, blended by other weights, and with other limits to the number of candidates."""
        return replace(self, priors=read_only(priors), parameters=replace(self.parameters, candidates=candidates))

    def told_of(self, told: Sequence[NewItem]) -> "Retriever":
        """The same sources over the catalogue with what the shop has told since; nothing is fitted anew."""
        items = catalogue_with(self.items, told)
        counters = counters_with(self.counters, len(items))
        sources = {name: source.grown(items, counters) for name, source in self.sources.items()}
        return Retriever(items, self.log.grown(len(items)), counters, sources, self.parameters, self.now, self.priors)

    def nominated_by(self, source: str, candidates: Candidates) -> np.ndarray:
        """(candidates,) bool: which of them are among the best of one of the source's columns."""
        return np.asarray((candidates.nominators & self.source_bits[source]) != 0)

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays = self.items.to_arrays() | self.counters.to_arrays() | self.log.to_arrays() | {"priors": self.priors}
        for source in self.sources.values():
            arrays |= source.to_arrays()
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters, now: int) -> Self:
        sources = {source.name: source.from_arrays(arrays, parameters) for source in SOURCES}
        parts = (Items.from_arrays(arrays), VisitLog.from_arrays(arrays), ItemCounters.from_arrays(arrays))
        return cls(*parts, sources, parameters, now, read_only(arrays["priors"]))

    @cached_property
    def _proposing(self) -> tuple[tuple[Source, int], ...]:
        """The sources, and where each one's columns begin."""
        counts = [len(source.columns(self.parameters)) for source in self.sources.values()]
        return tuple(zip(self.sources.values(), np.cumsum([0, *counts[:-1]]).tolist(), strict=True))

    @cached_property
    def _judging(self) -> tuple[tuple[Source, slice], ...]:
        """The sources that judge, and the features that are each one's judgements."""
        counts = [len(source.judgements()) for source in self.sources.values()]
        ends = self._describer.judged.start + np.cumsum(counts)
        judged = zip(self.sources.values(), ends.tolist(), counts, strict=True)
        return tuple((source, slice(end - count, end)) for source, end, count in judged if count)

    @cached_property
    def _judgements(self) -> tuple[str, ...]:
        return tuple(name for source in self.sources.values() for name in source.judgements())

    @cached_property
    def _nominating(self) -> list[int]:
        return [place for place, column in enumerate(self.columns) if column.limit]

    @cached_property
    def source_bits(self) -> dict[str, int]:
        """For each source, the bits of its nominating columns."""
        bits = {self.columns[column].name: 1 << place for place, column in enumerate(self._nominating)}
        return {
            name: sum(bits.get(column.name, 0) for column in source.columns(self.parameters))
            for name, source in self.sources.items()
        }

    @cached_property
    def _nominators(self) -> tuple[np.ndarray, np.ndarray]:
        """The nominating columns and their limits."""
        return np.array(self._nominating), np.array([self.columns[place].limit for place in self._nominating])

    @cached_property
    def _describer(self) -> Describer:
        return Describer.of(self.columns, len(self._judgements), self.items, self.counters)

    @cached_property
    def _board(self) -> Scratch[Board]:
        return Scratch(lambda: Board.of(len(self.items), len(self.columns)))


def _priors(parameters: RecommendParameters) -> np.ndarray:
    """The sources' own weights, for both moments."""
    own = [column.prior for source in SOURCES for column in source.columns(parameters)]
    return read_only(np.array([own, own], np.float32))
