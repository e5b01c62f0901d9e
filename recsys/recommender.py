"""The recommender: it retrieves, ranks and re-ranks, from arrays that may be memory-mapped."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Self

import numpy as np

from contracts.errors import InputError
from contracts.time_units import SECONDS_PER_DAY
from recsys.data.attributes import Attributes
from recsys.data.catalogue_updates import ItemUpsert
from recsys.data.interactions import KINDS, Interactions
from recsys.data.labels import ItemLabels
from recsys.data.user_history import UserHistory
from recsys.data.vocabulary import Vocabulary
from recsys.parameters import RecommendParameters
from recsys.placements.explanations import POPULAR_REASONS, popular_reason
from recsys.placements.placements import PLACEMENTS, Proposal, ranker_of
from recsys.placements.request_context import RequestContext
from recsys.ranking.features import Candidates
from recsys.ranking.pipeline import CandidatePipeline
from recsys.ranking.ranker import FREQUENCY, SCENARIOS, Ranker
from recsys.request import Answer, Filters, Query, Recommendation
from recsys.reranking.compiled_policy import compiled_policies
from recsys.reranking.eligibility import eligible_items, suppressed_purchases
from recsys.reranking.policy import Policy
from recsys.reranking.reranker import Slate, rerank

CART: Final = KINDS.index("cart")
VIEW: Final = KINDS.index("view")
REPORTED: Final = {"cold_session": "start", "in_session": "visit"}  # the names of the scenarios in a backtest's details


class Recommender:
    """Answers which items a shopper should see now. Immutable; safe to share between threads."""

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
        self.ranker_groups = ranker_groups or {}  # by scenario, those in training; empty if read from files
        self.policy = policy
        self.columns = columns
        self.labels = ItemLabels(self.retriever.items)
        self.policies = compiled_policies(policy, self.retriever.items, columns)

    def with_policy(self, policy: Policy, columns: Attributes | None = None) -> "Recommender":
        """The same recommender under a merchant's policy.

        `columns` are attributes of its items, or of the first of them, that a policy may name and a request may not.
        """
        return Recommender(self.pipeline, self.histories, self.rankers, policy, columns, self.ranker_groups)

    def with_items(self, upserts: Sequence[ItemUpsert]) -> "Recommender":
        """The same recommender over the updated catalogue; new items are added at the end, the other indices stay."""
        pipeline = self.pipeline.with_items(upserts)
        return Recommender(pipeline, self.histories, self.rankers, self.policy, self.columns, self.ranker_groups)

    def with_baseline_rankers(self) -> "Recommender":
        """The baseline: the same sources, ranked by personal frequency, then popularity."""
        names = self.pipeline.features.names
        rankers = {scenario: Ranker(names, FREQUENCY) for scenario in SCENARIOS}
        return Recommender(self.pipeline, self.histories, rankers, self.policy, self.columns)

    @property
    def ranker_facts(self) -> dict[str, Any]:
        """How many groups each ranker was trained on, and what kind of ranker it is."""
        groups = {f"ranker_groups_{REPORTED[scenario]}": count for scenario, count in self.ranker_groups.items()}
        return groups | {f"ranker_{REPORTED[scenario]}": self.rankers[scenario].name for scenario in SCENARIOS}

    @property
    def policy_problems(self) -> tuple[str, ...]:
        """What the policy names but the catalogue does not have, in words."""
        return tuple(dict.fromkeys(problem for policy in self.policies.values() for problem in policy.problems))

    def recommend(self, query: Query, now: datetime | None = None) -> Answer:
        """The answer to one query at `now`, by default `as_of`; shorter than k only if fewer items are eligible."""
        context, unknown = self._context(query, now)
        proposal = PLACEMENTS[query.placement](context)
        random = None if query.seed is None else np.random.default_rng(query.seed)
        popularity, policy = self.retriever.popularity, self.policies[query.placement]
        found = (proposal.items, proposal.scores, query.k, context.eligible)
        slate = rerank(*found, policy, popularity.order, popularity.popular_count, random)
        fallbacks = ["popular"] if context.shopper.is_cold_start and query.placement == "for_you" else []
        fallbacks += [name for name in slate.fallbacks if name not in fallbacks]
        fallbacks += [f"unknown_item:{item}" for item in dict.fromkeys(unknown)]
        is_known = context.shopper.customer >= 0
        return Answer(self._recommendations(slate, proposal), is_known, tuple(fallbacks), query.placement)

    def similar(self, item_id: str, k: int, filters: Filters = Filters()) -> Answer:
        """Items that go with one item, whoever asks; raises InputError for an unknown item."""
        if self.retriever.items.ids.index(item_id) < 0:
            raise InputError(f"item {item_id!r} is not in the catalogue; give the id of an item that is.")
        return self.recommend(Query(item_id=item_id, k=k, filters=filters, placement="similar"))

    def eligible_at(self, now: int) -> np.ndarray:
        """(items,) bool, a new array: what may be shown at `now`, seconds since 1970 UTC, in an answer for_you."""
        return eligible_items(self.retriever.items, Filters(), self.policies["for_you"], now, np.zeros(0, np.int64))

    def candidates_by_source(self, query: Query, now: datetime | None = None) -> dict[str, list[str]]:
        """The item ids that each source, and "any" of them, selects for a query; for evaluation."""
        context, _ = self._context(query, now)
        candidates = self.pipeline.candidates(context.shopper, context.eligible)
        ids = self.retriever.items.ids
        found = {"any": [ids.value(item) for item in candidates.items.tolist()]}
        for name in self.retriever.sources:
            own = candidates.items[self.retriever.is_from(name, candidates.selected_by)]
            found[name] = [ids.value(item) for item in own.tolist()]
        return found

    def scores(self, shopper: UserHistory, candidates: Candidates) -> np.ndarray:
        """(candidates,) float64, higher is better; for a cold-start shopper the popularity."""
        if shopper.is_cold_start:
            return np.asarray(self.retriever.popularity.scores[candidates.items], np.float64)
        return ranker_of(shopper.in_session, self.rankers).scores(candidates.features)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Everything except the rankers' texts and the parameters, as flat arrays."""
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

        Raises BundleRefused if a ranker was trained on other features.
        """
        pipeline = CandidatePipeline.from_arrays(arrays, parameters, as_of)
        histories = Interactions(
            Vocabulary(arrays["customers_data"], arrays["customers_offsets"]),
            len(pipeline.retriever.items),
            *(np.asarray(arrays[f"history_{name}"]) for name in ("offsets", "items", "kinds", "times")),
        )
        rankers = {name: Ranker(pipeline.features.names, ranker_texts.get(name, "")) for name in SCENARIOS}
        return cls(pipeline, histories, rankers)

    def _customer(self, query: Query) -> int:
        """The customer's index, -1 if unknown or if the query is not personalized."""
        return self.histories.customers.index(query.customer_id) if query.customer_id and query.personalize else -1

    def _session(self, query: Query) -> tuple[list[tuple[int, int]], list[str]]:
        """(item, kind) of the session, the cart and the open page, oldest first, and the ids not in the catalogue."""
        events = [(event.item_id, KINDS.index(event.kind)) for event in query.events if query.personalize]
        in_session = {item_id for item_id, kind in events if kind == CART}
        events += [(item_id, CART) for item_id in query.cart if item_id not in in_session]
        # The open page is the session's last view, which the session may hold already.
        events += [(item_id, VIEW) for item_id in _given(query.item_id) if events[-1:] != [(item_id, VIEW)]]
        indexed = [(self.retriever.items.ids.index(item_id), kind) for item_id, kind in events]
        unknown = [item_id for (item_id, _), (item, _) in zip(events, indexed, strict=True) if item < 0]
        return [(item, kind) for item, kind in indexed if item >= 0], unknown

    def _shopper(self, customer: int, session: list[tuple[int, int]], now: int) -> UserHistory:
        """The customer's stored history, then the session with an age of 0."""
        stored = slice(0, 0)
        if customer >= 0:
            stored = slice(int(self.histories.offsets[customer]), int(self.histories.offsets[customer + 1]))
        known = stored.stop - stored.start
        size = known + len(session)
        items, kinds, ages = np.empty(size, np.int32), np.empty(size, np.uint8), np.zeros(size, np.float32)
        items[:known], kinds[:known] = self.histories.items[stored], self.histories.kinds[stored]
        ages[:known] = np.maximum(now - self.histories.times[stored], 0) / SECONDS_PER_DAY
        items[known:], kinds[known:] = [item for item, _ in session], [kind for _, kind in session]
        return UserHistory(items, kinds, ages, known, customer, len(self.retriever.log.ends))

    def _context(self, query: Query, time: datetime | None) -> tuple[RequestContext, list[str]]:
        """The query with what is looked up for it, and the item ids that are not in the catalogue."""
        session, unknown = self._session(query)
        now = self.as_of if time is None else int(time.timestamp())
        shopper = self._shopper(self._customer(query), session, now)
        policy = self.policies[query.placement]
        page, cart = self._indices(_given(query.item_id)), self._indices(query.cart)
        hidden = [page, cart, self._indices(query.filters.exclude_items)]
        if query.filters.exclude_known:
            hidden.append(shopper.items)
        if policy.policy.bought != "ranked":
            hidden.append(self._suppressed(policy.policy.bought, shopper))
        eligible = eligible_items(self.retriever.items, query.filters, policy, now, np.concatenate(hidden))
        item = int(page[0]) if len(page) else -1
        return RequestContext(query, shopper, item, cart, eligible, now, self.pipeline, self.rankers), unknown

    def _suppressed(self, bought: str, shopper: UserHistory) -> np.ndarray:
        purchases = shopper.derived(self.retriever.repurchase.purchases_of)
        seconds = (purchases.days_since * SECONDS_PER_DAY, purchases.interval_days * SECONDS_PER_DAY)
        return suppressed_purchases(bought, purchases.items, *seconds)

    def _indices(self, item_ids: Iterable[str]) -> np.ndarray:
        """The indices of the known items, (known,) int64."""
        found = (self.retriever.items.ids.index(item_id) for item_id in dict.fromkeys(item_ids))
        return np.array([item for item in found if item >= 0], np.int64)

    def _recommendations(self, slate: Slate, proposal: Proposal) -> tuple[Recommendation, ...]:
        """Items that a fallback or a pin put into the slate have its reason, the others their own."""
        items = slate.items.tolist()
        own = [item for item, origin in zip(items, slate.origins, strict=True) if origin not in POPULAR_REASONS]
        own_reasons = iter(proposal.reasons(own))
        reasons = (popular_reason(o) if o in POPULAR_REASONS else next(own_reasons) for o in slate.origins)
        return tuple(
            Recommendation(*self.labels.label(item), score, reason.source, reason.words, propensity)
            for item, score, reason, propensity in zip(
                items, slate.scores.tolist(), reasons, slate.propensities, strict=True
            )
        )


def utc_seconds(time: datetime) -> int:
    """The first whole second at or after `time`, since 1970 UTC; raises InputError for a time without a zone."""
    if time.tzinfo is None:
        raise InputError(f"{time} has no time zone; give one, for example 2025-06-01T12:00:00Z.")
    return int(-(-time.astimezone(UTC).timestamp() // 1))


def _given(item_id: str | None) -> list[str]:
    return [] if item_id is None else [item_id]
