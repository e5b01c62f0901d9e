"""From a user to described candidates: retrieval, pre-ranking, features. The ranker scores what comes out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from recsys.data.catalogue_updates import ItemUpsert
from recsys.data.user_history import UserHistory
from recsys.parameters import RecommendParameters
from recsys.ranking.features import Candidates, FeatureBuilder
from recsys.ranking.pre_ranker import PreRanker
from recsys.retrieval.retriever import Retriever


@dataclass(frozen=True)
class CandidatePipeline:
    """A retriever with the pre-ranker that limits its candidates and the features that describe them."""

    retriever: Retriever
    pre_ranker: PreRanker

    @classmethod
    def of(cls, retriever: Retriever) -> Self:
        """With the sources' own pre-ranking weights."""
        return cls(retriever, PreRanker.default(retriever.columns, retriever.parameters.candidates))

    def with_pre_ranker(self, weights: np.ndarray, limit: int) -> "CandidatePipeline":
        """The same sources under other pre-ranking weights (2, columns) and another number of candidates."""
        return replace(self, pre_ranker=PreRanker.of(weights, limit))

    def with_items(self, upserts: Sequence[ItemUpsert]) -> "CandidatePipeline":
        """The same sources over the updated catalogue; nothing is fitted again."""
        return replace(self, retriever=self.retriever.with_items(upserts))

    @cached_property
    def features(self) -> FeatureBuilder:
        return FeatureBuilder.of(self.retriever)

    @cached_property
    def relation_columns(self) -> np.ndarray:
        """(relations, 2) int64: the features with each relation's share, of the history and of the session."""
        place, relations = self.features.place, self.retriever.relations
        names = [
            (f"{relation.name}_max_normalised", f"{relation.name}_session_max_normalised") for relation in relations
        ]
        return np.array([[place[of_history], place[of_session]] for of_history, of_session in names], np.int64)

    def candidates(self, user: UserHistory, eligible: np.ndarray) -> Candidates:
        """The candidates that the ranker is to score; `eligible` (items,) bool says which items are allowed."""
        retrieved = self.retriever.candidates(user, eligible)
        return self.features.compute(user, *self.pre_ranker.select(retrieved, user.in_session))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return self.retriever.to_arrays() | {"pre_ranker_weights": self.pre_ranker.weights}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters, now: int) -> Self:
        pre_ranker = PreRanker.of(arrays["pre_ranker_weights"], parameters.candidates)
        return cls(Retriever.from_arrays(arrays, parameters, now), pre_ranker)
