"""The recommender: retrieve, rank, apply the policy; from arrays that may be memory-mapped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

import numpy as np

from contracts.errors import InputError
from contracts.time_units import SECONDS_PER_DAY
from recsys.data.attributes import Attributes
from recsys.data.catalogue_updates import ItemUpsert
from recsys.data.interactions import KINDS, Interactions
from recsys.data.item_labels import ItemLabels
from recsys.data.user_history import UserHistory
from recsys.data.vocabulary import Vocabulary
from recsys.parameters import RecommendParameters
from recsys.placements.explanations import POPULAR_REASONS, Reason, popular_reason
from recsys.placements.placements import PLACEMENTS, ranker_of
from recsys.placements.request_context import RequestContext
from recsys.ranking.features import Candidates
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import MOMENTS, Ranker
from recsys.request import Answer, Filters, Query, Recommendation
from recsys.reranking.compiled_policy import compiled_policies
from recsys.reranking.eligibility import eligible_items, suppressed_purchases
from recsys.reranking.policy import Policy
from recsys.reranking.reranker import Ranked, arrange

CART: Final = KINDS.index("cart")
VIEW: Final = KINDS.index("view")


class Recommender:
    """Answers what a shopper should see now. Immutable; safe to share between threads."""

    def __init__(
        self,
        pipeline: CandidatePipeline,
        histories: Interactions,
        rankers: Mapping[str, Ranker],
        policy: Policy = Policy(),
        columns: Attributes | None = None,
        ranker_groups: Mapping[str, int] | None = None,
    ) -> None:
        self.pipeline = pipeline
        self.retriever = pipeline.retriever
        self.histories = histories
        self.rankers = rankers
        self.as_of = pipeline.retriever.now  # seconds since 1970 UTC
        self.ranker_groups = ranker_groups or {}  # that each ranker was trained on; empty where it was read from files
        self.policy = policy
        self.columns = columns
        self.labels = ItemLabels(self.retriever.items)
        self.policies = compiled_policies(policy, self.retriever.items, columns)

    def with_policy(self, policy: Policy, columns: Attributes | None = None) -> "Recommender":
        """The same recommender under a merchant's policy.

        `columns` are attributes of its items, or of the first of them, that a policy may name and a question may not.
        """
        return Recommender(self.pipeline, self.histories, self.rankers, policy, columns, self.ranker_groups)

    def with_items(self, told: Sequence[ItemUpsert]) -> "Recommender":
        """The same recommender, to which the items are known from now on; places of the others do not change."""
        pipeline = self.pipeline.with_items(told)
        return Recommender(pipeline, self.histories, self.rankers, self.policy, self.columns, self.ranker_groups)

    @property
    def ranker_facts(self) -> dict[str, Any]:
        """How many groups each ranker was trained on, and what kind of ranker it is."""
        groups = {f"ranker_groups_{moment}": count for moment, count in self.ranker_groups.items()}
        return groups | {f"ranker_{moment}": self.rankers[moment].name for moment in MOMENTS}

    @property
    def policy_problems(self) -> tuple[str, ...]:
        """What the policy names and the catalogue does not have, in words."""
        return tuple(dict.fromkeys(problem for policy in self.policies.values() for problem in policy.problems))

    def recommend(self, query: Query, now: datetime | None = None) -> Answer:
        """The answer for one query at `now`, by default `as_of`; shorter than k only where fewer items are eligible."""
        moment, unknown = self._moment(query, now)
        scored = PLACEMENTS[query.placement](moment, self.rankers)
        random = None if query.seed is None else np.random.default_rng(query.seed)
        popularity = self.retriever.popularity
        ranked = arrange(
            scored.items,
            scored.scores,
            query.k,
            moment.eligible,
            self.policies[query.placement],
            popularity.order,
            popularity.popular_count,
            random,
        )
        reasons = self._reasons(ranked, scored.reasons)
        fallbacks = ["popular"] if moment.shopper.is_cold_start and query.placement == "for_you" else []
        fallbacks += [name for name in ranked.fallbacks if name not in fallbacks]
        fallbacks += [f"unknown_item:{item}" for item in dict.fromkeys(unknown)]
        is_known = moment.shopper.customer >= 0
        return Answer(self._recommendations(ranked, reasons), is_known, tuple(fallbacks), query.placement)

    def similar(self, item_id: str, k: int, filters: Filters = Filters()) -> Answer:
        """Items that go with one item, whoever asks; raises InputError for an unknown item."""
        if self.retriever.items.ids.index(item_id) < 0:
            raise InputError(f"item {item_id!r} is not in the catalogue; give the id of an item that is.")
        return self.recommend(Query(item_id=item_id, k=k, filters=filters, placement="similar"))

    def candidates_by_source(self, query: Query, now: datetime | None = None) -> dict[str, list[str]]:
        """Item ids that each source, and "any", proposes for a query; how good the candidates are, not an answer."""
        moment, _ = self._moment(query, now)
        candidates = self.pipeline.candidates(moment.shopper, moment.eligible)
        ids = self.retriever.items.ids
        found = {"any": [ids.value(item) for item in candidates.items.tolist()]}
        for name in self.retriever.sources:
            own = candidates.items[self.retriever.is_from(name, candidates.selected_by)]
            found[name] = [ids.value(item) for item in own.tolist()]
        return found

    def scores(self, shopper: UserHistory, candidates: Candidates) -> np.ndarray:
        """(candidates,) float64, higher is better; those of a shopper of whom nothing is known, by popularity alone."""
        if shopper.is_cold_start:
            return np.asarray(self.retriever.popularity.scores[candidates.items], np.float64)
        return ranker_of(shopper.in_session, self.rankers).scores(candidates.features)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything but the rankers' texts and the parameters, as flat arrays."""
        histories = self.histories
        return self.pipeline.to_arrays() | {
            "customers_data": histories.customers.data,
            "customers_offsets": histories.customers.offsets,
            "history_offsets": histories.offsets,
            "history_items": histories.items,
            "history_kinds": histories.kinds,
            "history_times": histories.times,
        }

    @classmethod
    def from_arrays(
        cls, arrays: dict[str, Any], ranker_texts: Mapping[str, str], parameters: RecommendParameters, as_of: int
    ) -> Self:
        """The recommender that was written; nothing is copied, so memory-mapped arrays stay shared.

        Raises BundleRefused where a ranker was trained on other features.
        """
        pipeline = CandidatePipeline.from_arrays(arrays, parameters, as_of)
        histories = Interactions(
            Vocabulary(arrays["customers_data"], arrays["customers_offsets"]),
            len(pipeline.retriever.items),
            *(np.asarray(arrays[f"history_{name}"]) for name in ("offsets", "items", "kinds", "times")),
        )
        rankers = {moment: Ranker(pipeline.features.names, ranker_texts.get(moment, "")) for moment in MOMENTS}
        return cls(pipeline, histories, rankers)

    def _customer(self, query: Query) -> int:
        """The customer's place, -1 for a stranger and for one who must not be known."""
        return self.histories.customers.index(query.customer_id) if query.customer_id and query.personalize else -1

    def _visit(self, query: Query) -> tuple[list[tuple[int, int]], list[str]]:
        """(item, kind) of what this visit shows, oldest first, and the ids that are not in the catalogue."""
        session = query.events if query.personalize else ()
        events = [(event.item_id, KINDS.index(event.kind)) for event in session]
        in_session = {item_id for item_id, kind in events if kind == CART}
        events += [(item_id, CART) for item_id in query.cart if item_id not in in_session]
        # A page that is open is the visit's last view; the visit may have said so already.
        events += [(item_id, VIEW) for item_id in _given(query.item_id) if events[-1:] != [(item_id, VIEW)]]
        places = [(self.retriever.items.ids.index(item_id), kind) for item_id, kind in events]
        unknown = [item_id for (item_id, _), (place, _) in zip(events, places, strict=True) if place < 0]
        return [(place, kind) for place, kind in places if place >= 0], unknown

    def _shopper(self, customer: int, visit: list[tuple[int, int]], now: int) -> UserHistory:
        """The kept history, then the visit as happening just now."""
        kept = slice(0, 0)
        if customer >= 0:
            kept = slice(int(self.histories.offsets[customer]), int(self.histories.offsets[customer + 1]))
        known = kept.stop - kept.start
        size = known + len(visit)
        items, kinds, ages = np.empty(size, np.int32), np.empty(size, np.uint8), np.zeros(size, np.float32)
        items[:known], kinds[:known] = self.histories.items[kept], self.histories.kinds[kept]
        ages[:known] = np.maximum(now - self.histories.times[kept], 0) / SECONDS_PER_DAY
        items[known:], kinds[known:] = [item for item, _ in visit], [kind for _, kind in visit]
        return UserHistory(items, kinds, ages, known, customer, len(self.retriever.log.ends))

    def _moment(self, query: Query, time: datetime | None) -> tuple[RequestContext, list[str]]:
        """What is looked up for the query, and the item ids that are not in the catalogue."""
        visit, unknown = self._visit(query)
        now = self.as_of if time is None else int(time.timestamp())
        shopper = self._shopper(self._customer(query), visit, now)
        items = self.retriever.items
        policy = self.policies[query.placement]
        open_item = self._places(_given(query.item_id))
        cart = self._places(query.cart)
        hidden = [open_item, cart, self._places(query.filters.exclude_items)]
        if query.filters.exclude_known:
            hidden.append(shopper.items)
        if policy.policy.bought != "ranked":
            hidden.append(self._undue(policy.policy.bought, shopper))
        eligible = eligible_items(items, query.filters, policy, now, np.concatenate(hidden))
        item = int(open_item[0]) if len(open_item) else -1
        return RequestContext(query, shopper, item, cart, eligible, now, self.pipeline), unknown

    def _undue(self, bought: str, shopper: UserHistory) -> np.ndarray:
        purchases = self.retriever.repurchase.purchases(shopper)
        seconds = (purchases.days_since * SECONDS_PER_DAY, purchases.interval_days * SECONDS_PER_DAY)
        return suppressed_purchases(bought, purchases.items, *seconds)

    def _places(self, item_ids: Iterable[str]) -> np.ndarray:
        """The places of the known items, (known,) int64."""
        found = (self.retriever.items.ids.index(item_id) for item_id in dict.fromkeys(item_ids))
        return np.array([place for place in found if place >= 0], np.int64)

    def _reasons(self, ranked: Ranked, explained: Any) -> list[Reason]:
        """Why each item is shown: its own reason where it was ranked or explored, else how it came to its place."""
        own = [
            i for i, origin in zip(ranked.items.tolist(), ranked.origins, strict=True) if origin not in POPULAR_REASONS
        ]
        reasons = iter(explained(own))
        return [popular_reason(origin) if origin in POPULAR_REASONS else next(reasons) for origin in ranked.origins]

    def _recommendations(self, ranked: Ranked, reasons: list[Reason]) -> tuple[Recommendation, ...]:
        shown = zip(ranked.items.tolist(), ranked.scores.tolist(), reasons, ranked.propensities, strict=True)
        return tuple(
            Recommendation(*self.labels.label(item), score, reason.source, reason.words, propensity)
            for item, score, reason, propensity in shown
        )


def utc_seconds(moment: datetime) -> int:
    """The first whole second at or after `moment`, since 1970 UTC; times without a zone are refused."""
    if moment.tzinfo is None:
        raise InputError(f"{moment} has no time zone; give one, for example 2025-06-01T12:00:00Z.")
    return int(-(-moment.astimezone(UTC).timestamp() // 1))


def _given(item_id: str | None) -> list[str]:
    return [] if item_id is None else [item_id]
