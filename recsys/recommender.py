"""The recommender: retrieve, rank, apply the policy; from arrays that may be memory-mapped."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final, Self

import numpy as np

from contracts.errors import BundleRefused, InputError
from recsys.features import Candidates
from recsys.interactions import Interactions
from recsys.parameters import RecommendParameters
from recsys.policy import Ranked, eligible_items, top_k
from recsys.query import KINDS, Answer, Filters, Query, Recommendation
from recsys.ranking import Ranker
from recsys.reasons import POPULAR_REASONS, Reason, explain, explain_similar
from recsys.retrieval.retriever import Retriever
from recsys.shoppers import Shoppers
from recsys.vocabulary import Vocabulary

CART: Final = KINDS.index("cart")
VIEW: Final = KINDS.index("view")


class Recommender:
    """Answers what a shopper should see now. Immutable; safe to share between threads."""

    def __init__(
        self, retriever: Retriever, histories: Interactions, ranker: Ranker, as_of: int, parameters: dict[str, Any]
    ) -> None:
        self.retriever = retriever
        self.histories = histories
        self.ranker = ranker
        self.as_of = as_of
        self.parameters = parameters | {"as_of": as_of, "ranker": ranker.name}

    @property
    def ranker_text(self) -> str:
        return self.ranker.text

    def recommend(self, query: Query) -> Answer:
        """The answer for one query; shorter than k only where fewer items are eligible."""
        items = self.retriever.items
        customer = self.histories.customers.index(query.customer_id) if query.customer_id else -1
        now = self.as_of if query.now is None else int(query.now.timestamp())
        visit, unknown = self._visit(query)
        shoppers = self._shopper(customer, visit, now)
        hidden, _ = self._places([*query.cart, *_given(query.item_id), *query.filters.exclude_items])
        eligible = eligible_items(items, query.filters, now, hidden)
        candidates = self.retriever.candidates(shoppers, eligible)
        ranked = top_k(
            candidates.items, self.scores(shoppers, candidates), query.k, eligible, self.retriever.popularity
        )
        fallbacks = [] if len(shoppers.items) else ["popular"]
        fallbacks += _any_item(ranked) + [f"unknown_item:{item}" for item in dict.fromkeys(unknown)]
        reasons = self._reasons(shoppers, candidates, ranked)
        return Answer(self._recommendations(ranked, reasons), customer >= 0, tuple(fallbacks))

    def similar(self, item_id: str, k: int, filters: Filters = Filters()) -> Answer:
        """Items that go with one item, whoever asks; raises InputError for an unknown item."""
        items = self.retriever.items
        item = items.ids.index(item_id)
        if item < 0:
            raise InputError(f"item {item_id!r} is not in the catalogue; give the id of an item that is.")
        hidden, _ = self._places([item_id, *filters.exclude_items])
        eligible = eligible_items(items, filters, self.as_of, hidden)
        neighbours, scores = self._neighbours(item, eligible, k)
        ranked = top_k(neighbours, scores, k, eligible, self.retriever.popularity)
        reasons = explain_similar(item, ranked.items, items, self.retriever.relations)
        fallbacks = (["popular"] if "popular" in ranked.filled else []) + _any_item(ranked)
        return Answer(self._recommendations(ranked, self._with_fills(ranked, reasons)), False, tuple(fallbacks))

    def scores(self, shoppers: Shoppers, candidates: Candidates) -> np.ndarray:
        """(candidates,) float64, higher is better; those of a shopper of whom nothing is known, by popularity alone."""
        scores = self.ranker.scores(self.retriever.features(shoppers, candidates))
        is_stranger = (np.bincount(shoppers.rows, minlength=shoppers.size) == 0)[candidates.rows]
        return np.where(is_stranger, self.retriever.popularity.scores[candidates.items], scores)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything but the ranker's text and the parameters, as flat arrays."""
        histories = self.histories
        return self.retriever.to_arrays() | {
            "customers_data": histories.customers.data,
            "customers_offsets": histories.customers.offsets,
            "history_offsets": histories.offsets,
            "history_items": histories.items,
            "history_kinds": histories.kinds,
            "history_times": histories.times,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], ranker_text: str, parameters: dict[str, Any]) -> Self:
        """The recommender that was written; nothing is copied, so memory-mapped arrays stay shared.

        A parameter that came into being after it was written has its default. Raises BundleRefused where it is not a
        recommender's.
        """
        if "as_of" not in parameters:
            raise BundleRefused("the recommender's parameters lack as_of. Train again.")
        own = {name: parameters[name] for name in asdict(RecommendParameters()) if name in parameters}
        retriever = Retriever.from_arrays(arrays, RecommendParameters(**own))
        histories = Interactions(
            Vocabulary(arrays["customers_data"], arrays["customers_offsets"]),
            len(retriever.items),
            *(np.asarray(arrays[f"history_{name}"]) for name in ("offsets", "items", "kinds", "times")),
        )
        return cls(retriever, histories, Ranker(ranker_text), parameters["as_of"], parameters)

    def _visit(self, query: Query) -> tuple[list[tuple[int, int]], list[str]]:
        """(item, kind) of what this visit shows, oldest first, and the ids that are not in the catalogue."""
        events = [(event.item_id, KINDS.index(event.kind)) for event in query.session]
        events += [(item_id, CART) for item_id in query.cart] + [(item_id, VIEW) for item_id in _given(query.item_id)]
        places = [(self.retriever.items.ids.index(item_id), kind) for item_id, kind in events]
        unknown = [item_id for (item_id, _), (place, _) in zip(events, places, strict=True) if place < 0]
        return [(place, kind) for place, kind in places if place >= 0], unknown

    def _shopper(self, customer: int, visit: list[tuple[int, int]], now: int) -> Shoppers:
        """A batch of one: the kept history, then the visit as having happened just now."""
        known = self.histories.shoppers(np.array([customer] if customer >= 0 else [], np.int64), now)
        added = np.array(visit, np.int64).reshape(-1, 2)
        items = np.concatenate([known.items, added[:, 0]])
        kinds = np.concatenate([known.kinds, added[:, 1].astype(np.uint8)])
        ages = np.concatenate([known.ages, np.zeros(len(added), np.float32)])
        return Shoppers(1, known.item_count, np.zeros(len(items), np.int64), items, kinds, ages)

    def _places(self, item_ids: Iterable[str]) -> tuple[np.ndarray, list[str]]:
        """The places of the known items, and the ids of the others."""
        found = {item_id: self.retriever.items.ids.index(item_id) for item_id in item_ids}
        known = np.array([place for place in found.values() if place >= 0], np.int64)
        return known, [item_id for item_id, place in found.items() if place < 0]

    def _neighbours(self, item: int, eligible: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        """The item's eligible neighbours over all relations, filled up from its category, and their scores."""
        found = [relation.similar(item) for relation in self.retriever.relations]
        scores: dict[int, float] = {}
        for neighbours, strengths in found:
            best = float(strengths.max(initial=0.0))
            for neighbour, strength in zip(neighbours.tolist(), strengths.tolist(), strict=True):
                scores[neighbour] = scores.get(neighbour, 0.0) + strength / best
        category = int(self.retriever.items.category[item])
        if category >= 0:
            for place, other in enumerate(self.retriever.popularity.top_of_category(category, k, eligible).tolist()):
                scores.setdefault(other, -1.0 - place)
        neighbours = np.array([place for place in scores if eligible[place]], np.int64)
        return neighbours, np.array([scores[place] for place in neighbours.tolist()])

    def _reasons(self, shoppers: Shoppers, candidates: Candidates, ranked: Ranked) -> list[Reason]:
        if not len(shoppers.items):
            reasons = [Reason("popular", POPULAR_REASONS["popular"])] * len(ranked.items)
        else:
            retriever = self.retriever
            reasons = explain(shoppers, candidates, ranked.items, retriever.items, retriever.relations)
        return self._with_fills(ranked, reasons)

    def _with_fills(self, ranked: Ranked, reasons: list[Reason]) -> list[Reason]:
        own = len(ranked.items) - len(ranked.filled)
        return reasons[:own] + [Reason(name, POPULAR_REASONS[name]) for name in ranked.filled]

    def _recommendations(self, ranked: Ranked, reasons: list[Reason]) -> tuple[Recommendation, ...]:
        ids = self.retriever.items.ids
        return tuple(
            Recommendation(ids.value(item), score, reason.source, reason.words)
            for item, score, reason in zip(ranked.items.tolist(), ranked.scores.tolist(), reasons, strict=True)
        )


def utc_seconds(moment: datetime) -> int:
    """The first whole second at or after `moment`, since 1970 UTC; times without a zone are refused."""
    if moment.tzinfo is None:
        raise InputError(f"{moment} has no time zone; give one, for example 2025-06-01T12:00:00Z.")
    return int(-(-moment.astimezone(UTC).timestamp() // 1))


def _given(item_id: str | None) -> list[str]:
    return [] if item_id is None else [item_id]


def _any_item(ranked: Ranked) -> list[str]:
    return ["any_item"] if "any_item" in ranked.filled else []
