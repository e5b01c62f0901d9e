"""Placements: what each list on a shop's pages proposes, with scores and reasons.

Only "for_you" uses the ranker; each of the others answers a narrower question from one source.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.placements.explanations import (
    NO_REASON,
    OWN_REASONS,
    category_reason,
    explain,
    repurchase_reasons,
    similar_reasons,
    strongest_actions,
)
from recsys.placements.request_context import Reason, RequestContext
from recsys.ranking.features import Candidates
from recsys.ranking.ranker import Ranker
from recsys.retrieval.covisitation.source import BoughtTogether, ViewedThenBought, ViewedTogether
from recsys.retrieval.repurchase import due

# The weight of each relation in the similarity of two items.
SIMILARITY: Final = {ViewedTogether.name: 1.0, ViewedThenBought.name: 0.5, BoughtTogether.name: 0.25}
TOGETHER: Final = {BoughtTogether.name: 1.0}  # the same for what completes an item
VECTOR_SIMILARITY: Final = 0.5  # the weight of a cosine of 1, beside the relations
CONTENT_SIMILARITY: Final = 0.25
POOL: Final = 300  # items of a list that is made without candidates of the shopper's own
PRICE_WEIGHT: Final = 0.1
TREND_PRIOR: Final = 5.0  # customers added to both weekly numbers, so that a rise of small numbers counts little

Scores = tuple[np.ndarray, np.ndarray]


class ForYou(RequestContext):
    """Candidates from the shopper's history and session, as the ranker scores them."""

    @cached_property
    def candidates(self) -> Candidates:
        return self.pipeline.candidates(self.shopper, self.eligible)

    def score(self) -> Scores:
        if self.shopper.is_cold_start:
            return _most_popular(self)
        ranker = ranker_of(self.shopper.in_session, self.rankers)
        return self.candidates.items.astype(np.int64), ranker.scores(self.candidates.features)

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        return [NO_REASON] * len(shown) if self.shopper.is_cold_start else explain(self, self.candidates, shown)


def ranker_of(in_session: bool, rankers: Mapping[str, Ranker]) -> Ranker:
    """The ranker of the scenario; in a session the other one if there were too few sessions to train its own."""
    own = rankers["in_session" if in_session else "cold_session"]
    return rankers["cold_session"] if in_session and own.name == "blend" else own


class Similar(RequestContext):
    """Items that shoppers of the open item view as well, then popular items of its category."""

    @cached_property
    def neighbours(self) -> dict[int, float]:
        return _neighbour_scores(self, [self.item], SIMILARITY) if self.item >= 0 else {}

    @cached_property
    def likeness(self) -> dict[int, float]:
        """Similarity by item vector and by the catalogue's words; 0 for other neighbours."""
        like = dict.fromkeys(self.neighbours, 0.0)
        if self.item < 0:
            return like
        similar = self.retriever.vectors.similar(self.item)
        for item, cosine in zip(*(found.tolist() for found in similar), strict=True):
            if self.eligible[item]:
                like[item] = like.get(item, 0.0) + VECTOR_SIMILARITY * cosine
        alike = self.retriever.content.most_similar(self.item, self.eligible, self.query.k, len(like))
        for item, cosine in alike.items():
            like[item] = like.get(item, 0.0) + CONTENT_SIMILARITY * cosine
        return like

    def score(self) -> Scores:
        scores = {item: self.neighbours.get(item, 0.0) + likeness for item, likeness in self.likeness.items()}
        category = _page_category(self)
        if category < 0:
            return _arrays(scores)
        popular_items = self.retriever.popularity.top_of_category(category, self.query.k, self.eligible)
        return _arrays({item: -1.0 - place for place, item in enumerate(popular_items.tolist())} | scores)

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        return similar_reasons(self, self.seeds, shown, SIMILARITY, self.likeness)


class Complements(RequestContext):
    """What completes the open item or the cart: bought together with it, but not in its place.

    An item of the same category scores the less, the more it is viewed together with it.
    """

    def complements(self) -> dict[int, float]:
        seeds = self.seeds.tolist()
        together = _neighbour_scores(self, seeds, TOGETHER)
        instead = _neighbour_scores(self, seeds, {ViewedTogether.name: 1.0})
        category = self.retriever.items.category
        own = {int(code) for code in category[self.seeds]} - {-1}
        return {
            item: score / (1.0 + instead.get(item, 0.0)) if int(category[item]) in own else score
            for item, score in together.items()
        }

    def score(self) -> Scores:
        return _arrays(self.complements())

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        return similar_reasons(self, self.seeds, shown, TOGETHER)


class CartComplements(Complements):
    """What completes this cart; the more expensive item first if two fit about equally well."""

    def score(self) -> Scores:
        price = self.retriever.items.price
        return _arrays({item: score * _worth(float(price[item])) for item, score in self.complements().items()})


class BuyAgain(RequestContext):
    """What the customer bought before; the nearer an item is to its interval, the higher its score."""

    def score(self) -> Scores:
        purchases = self.retriever.repurchase.purchases(self.shopper)
        columns = (purchases.days_since, purchases.interval_days, purchases.orders)
        scores = [due(since, days, orders) for since, days, orders in zip(*columns, strict=True)]
        # Items that are not due follow, the latest purchase first.
        return purchases.items.astype(np.int64), np.array(scores, np.float64) + 1e-6 / (1.0 + purchases.days_since)

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        reasons, bought = repurchase_reasons(self), Reason("repurchase", OWN_REASONS[2])
        return [reasons.get(item, bought) for item in shown]


class RecentlyViewed(RequestContext):
    """The items of the shopper's last interactions, the latest first."""

    def score(self) -> Scores:
        aggregates = self.shopper.aggregates
        scores = -aggregates.last_days.astype(np.float64) - 1e-6 * np.minimum(aggregates.session_steps, 1e3)
        return aggregates.items.astype(np.int64), scores

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        actions = strongest_actions(self)
        return [Reason("history", OWN_REASONS[actions[item]]) if item in actions else NO_REASON for item in shown]


class Trending(RequestContext):
    """Items with more customers in the last week than in the three weeks before it."""

    def score(self) -> Scores:
        counters = self.retriever.counters
        before = np.maximum(counters.month - counters.week, 0) / 3
        rise = np.log((counters.week + TREND_PRIOR) / (before + TREND_PRIOR)) * np.sqrt(counters.week)
        return _best_of_catalogue(self, rise, counters.week > 0)

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        return [Reason("trending", "trending now")] * len(shown)


class NewArrivals(RequestContext):
    """The items that came into the shop last."""

    def score(self) -> Scores:
        items, counters = self.retriever.items, self.retriever.counters
        seen = np.where(counters.age_days > 0, self.retriever.now - counters.age_days * SECONDS_PER_DAY, self.now)
        since = np.where(items.available_from > 0, items.available_from, seen)
        known = (items.available_from > 0) | (counters.age_days > 0)
        return _best_of_catalogue(self, -(self.now - since) / SECONDS_PER_DAY, known)

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        return [Reason("new_arrivals", "new in the shop")] * len(shown)


class Popular(RequestContext):
    """What most customers chose lately; on an item's page, in its category."""

    def score(self) -> Scores:
        category = _page_category(self)
        if category < 0:
            return _most_popular(self)
        found = self.retriever.popularity.top_of_category(category, POOL, self.eligible)
        return found, np.asarray(self.retriever.popularity.scores[found], np.float64)

    def reasons(self, shown: Sequence[int]) -> list[Reason]:
        return [category_reason(self, item) if _page_category(self) >= 0 else NO_REASON for item in shown]


PLACEMENTS: Final[Mapping[str, type[RequestContext]]] = {
    "for_you": ForYou,
    "similar": Similar,
    "bought_together": Complements,
    "cart": CartComplements,
    "buy_again": BuyAgain,
    "recently_viewed": RecentlyViewed,
    "trending": Trending,
    "new_arrivals": NewArrivals,
    "popular": Popular,
}


def _arrays(scores: Mapping[int, float]) -> Scores:
    return np.array(list(scores), np.int64), np.array(list(scores.values()), np.float64)


def _most_popular(context: RequestContext) -> Scores:
    popularity = context.retriever.popularity
    found = popularity.top(POOL, context.eligible)
    found = found[popularity.scores[found] > 0]
    return found, np.asarray(popularity.scores[found], np.float64)


def _best_of_catalogue(context: RequestContext, scores: np.ndarray, mask: np.ndarray) -> Scores:
    """The eligible items of `mask` (items,) bool with the best `scores` (items,)."""
    items = np.flatnonzero(mask & context.eligible)
    best = items[np.argsort(-scores[items], kind="stable")[:POOL]]
    return best, scores[best].astype(np.float64)


def _page_category(context: RequestContext) -> int:
    """The category of the open item, -1 if there is none."""
    return int(context.retriever.items.category[context.item]) if context.item >= 0 else -1


def _worth(price: float) -> float:
    """A tenth more for each factor of e in price: it decides between items that fit about equally well."""
    return 1.0 + PRICE_WEIGHT * float(np.log1p(price)) if price > 0 else 1.0


def _neighbour_scores(context: RequestContext, seeds: Sequence[int], weights: Mapping[str, float]) -> dict[int, float]:
    """The eligible neighbours of the seeds over the weighted relations; each relation's best neighbour counts 1."""
    scores: dict[int, float] = {}
    for relation in context.retriever.relations:
        weight = weights.get(relation.name, 0.0)
        for seed in seeds if weight else ():
            neighbours, strengths = relation.similar(seed)
            best = float(strengths.max(initial=1e-9))
            for item, strength in zip(neighbours.tolist(), strengths.tolist(), strict=True):
                if context.eligible[item]:
                    scores[item] = scores.get(item, 0.0) + weight * strength / best
    return scores
