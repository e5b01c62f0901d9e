"""The first stage: all sources together, fitted on one past, proposing for a batch."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from recsys.features import Candidates, feature_matrix
from recsys.interactions import Interactions, ItemCounters
from recsys.items import Items
from recsys.pairs import run_starts
from recsys.parameters import RecommendParameters
from recsys.retrieval.covisitation import RELATIONS, CoVisitation
from recsys.retrieval.history import History
from recsys.retrieval.popularity import Popularity
from recsys.retrieval.source import Source, State
from recsys.shoppers import Shoppers

SOURCES: Final[tuple[type[Source], ...]] = (History, *RELATIONS, Popularity)


@dataclass(frozen=True)
class Retriever:
    """Every source and every item counter, as of one moment."""

    items: Items
    counters: ItemCounters
    sources: dict[str, Source]

    @classmethod
    def fit(
        cls, interactions: Interactions, items: Items, now: int, target_kind: int, parameters: RecommendParameters
    ) -> Self:
        """Fitted on the interactions given, which must all lie before `now` (seconds since 1970 UTC)."""
        assert not len(interactions) or int(interactions.times.max()) < now, "an interaction lies in the future"
        counters = ItemCounters.of(interactions, now, target_kind)
        state = State(interactions, counters, items, now, parameters)
        return cls(items, counters, {source.name: source.fit(state) for source in SOURCES})

    @property
    def popularity(self) -> Popularity:
        source = self.sources[Popularity.name]
        assert isinstance(source, Popularity)
        return source

    @property
    def relations(self) -> tuple[CoVisitation, ...]:
        return tuple(source for source in self.sources.values() if isinstance(source, CoVisitation))

    def candidates(self, shoppers: Shoppers, eligible: np.ndarray) -> Candidates:
        """The union of what the sources propose; `eligible` (items,) bool says what may be proposed."""
        proposals = {name: source.candidates(shoppers, eligible) for name, source in self.sources.items()}
        # A long history drowns the item that the shopper looks at now; the visit is asked for apart.
        visit = shoppers.visit()
        proposals |= {relation.visit_name(): relation.candidates(visit, eligible) for relation in self.relations}
        keys = np.sort(np.concatenate([said.keys[said.chosen] for said in proposals.values()]))
        keys = keys[run_starts(keys)]
        rows = keys // shoppers.item_count
        return Candidates(shoppers.size, keys, rows, keys - rows * shoppers.item_count, proposals)

    def features(self, shoppers: Shoppers, candidates: Candidates) -> np.ndarray:
        """(candidates, features) float32."""
        return feature_matrix(shoppers, candidates, self.counters, self.items)

    def to_arrays(self) -> dict[str, np.ndarray]:
        arrays = self.items.to_arrays() | self.counters.to_arrays()
        for source in self.sources.values():
            arrays |= source.to_arrays()
        return arrays

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        sources = {source.name: source.from_arrays(arrays, parameters) for source in SOURCES}
        return cls(Items.from_arrays(arrays), ItemCounters.from_arrays(arrays), sources)
