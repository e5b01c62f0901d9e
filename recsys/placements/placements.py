"""Placements: what each list on a shop's pages proposes, with scores and reasons.

Only `for_you` uses the ranker; each of the others answers a narrower question from one source.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final, NamedTuple

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.placements.explanations import (
    NO_REASON,
    Reason,
    category_reasons,
    explain,
    history_reasons,
    purchase_reasons,
    same_reasons,
    similar_reasons,
)
from recsys.placements.request_context import RequestContext
from recsys.ranking.ranker import Ranker
from recsys.retrieval.covisitation.source import BoughtTogether, ViewedThenBought, ViewedTogether

# The weight of each relation in the similarity of two items.
SIMILARITY: Final = {ViewedTogether.name: 1.0, ViewedThenBought.name: 0.5, BoughtTogether.name: 0.25}
TOGETHER: Final = {BoughtTogether.name: 1.0}  # the same for what completes an item
VECTOR_SIMILARITY: Final = 0.5  # the weight of a cosine of 1, beside the relations
CONTENT_SIMILARITY: Final = 0.25
POOL: Final = 300  # items of a list that is made without candidates of the shopper's own
PRICE_WEIGHT: Final = 0.1
TREND_PRIOR: Final = 5.0  # customers added to both weekly numbers, so that a rise of small numbers counts little


class Proposal(NamedTuple):
    """Distinct items (n,) int64, their scores (n,) float64, higher is better, and what says why some are shown."""

    items: np.ndarray
    scores: np.ndarray
    reasons: Callable[[Sequence[int]], list[Reason]]


def for_you(context: RequestContext) -> Proposal:
    """Candidates from the shopper's history and session, as the ranker scores them."""
    if context.shopper.is_cold_start:
        return _most_popular(context)
    candidates = context.pipeline.candidates(context.shopper, context.eligible)
    scores = ranker_of(context.shopper.in_session, context.rankers).scores(candidates.features)
    return Proposal(candidates.items.astype(np.int64), scores, partial(explain, context, candidates))


def ranker_of(in_session: bool, rankers: Mapping[str, Ranker]) -> Ranker:
    """The ranker of the scenario; in a session the other one if there were too few sessions to train its own."""
    own = rankers["in_session" if in_session else "cold_session"]
    return rankers["cold_session"] if in_session and own.name == "blend" else own


def similar(context: RequestContext) -> Proposal:
    """Items that shoppers of the open item view as well, then popular items of its category."""
    neighbours = _neighbour_scores(context, context.page, SIMILARITY)
    likeness = _likeness(context, neighbours) if context.item >= 0 else {}
    scores = {item: neighbours.get(item, 0.0) + alike for item, alike in likeness.items()}
    category = _page_category(context)
    if category >= 0:
        popular_items = context.retriever.popularity.top_of_category(category, context.query.k, context.eligible)
        scores = {item: -1.0 - place for place, item in enumerate(popular_items.tolist())} | scores
    return Proposal(*_arrays(scores), partial(similar_reasons, context, context.page, SIMILARITY, likeness))


def bought_together(context: RequestContext) -> Proposal:
    """What completes the open item, or the cart where none is open: bought together with it, but not in its place."""
    seeds = context.page or context.cart.tolist()
    return _completing(context, seeds, _complements(context, seeds))


def cart(context: RequestContext) -> Proposal:
    """What completes this cart, or the open item; the more expensive item first if two fit about equally well."""
    seeds = context.cart.tolist() or context.page
    price = context.retriever.items.price
    complements = _complements(context, seeds)
    scores = {item: score * _worth(float(price[item])) for item, score in complements.items()}
    return _completing(context, seeds, scores)


def buy_again(context: RequestContext) -> Proposal:
    """What the customer bought before; the nearer an item is to its interval, the higher its score."""
    purchases = context.shopper.derived(context.retriever.repurchase.purchases_of)
    # Items that are not due follow, the latest purchase first.
    scores = purchases.due + 1e-6 / (1.0 + purchases.days_since)
    return Proposal(purchases.items.astype(np.int64), scores, partial(purchase_reasons, context))


def recently_viewed(context: RequestContext) -> Proposal:
    """The items of the shopper's last interactions, the latest first."""
    aggregates = context.shopper.aggregates
    scores = -aggregates.last_days.astype(np.float64) - 1e-6 * np.minimum(aggregates.session_steps, 1e3)
    return Proposal(aggregates.items.astype(np.int64), scores, partial(history_reasons, context))


def trending(context: RequestContext) -> Proposal:
    """Items with more customers in the last week than in the three weeks before it."""
    counters = context.retriever.counters
    before = np.maximum(counters.month - counters.week, 0) / 3
    rise = np.log((counters.week + TREND_PRIOR) / (before + TREND_PRIOR)) * np.sqrt(counters.week)
    return _best_of_catalogue(context, rise, counters.week > 0, Reason("trending", "trending now"))


def new_arrivals(context: RequestContext) -> Proposal:
    """The items that came into the shop last."""
    items, counters = context.retriever.items, context.retriever.counters
    seen = np.where(counters.age_days > 0, context.retriever.now - counters.age_days * SECONDS_PER_DAY, context.now)
    since = np.where(items.available_from > 0, items.available_from, seen)
    known = (items.available_from > 0) | (counters.age_days > 0)
    days = -(context.now - since) / SECONDS_PER_DAY
    return _best_of_catalogue(context, days, known, Reason("new_arrivals", "new in the shop"))


def popular(context: RequestContext) -> Proposal:
    """What most customers chose lately; on an item's page, in its category."""
    category = _page_category(context)
    if category < 0:
        return _most_popular(context)
    popularity = context.retriever.popularity
    found = popularity.top_of_category(category, POOL, context.eligible)
    return Proposal(found, np.asarray(popularity.scores[found], np.float64), partial(category_reasons, context))


PLACEMENTS: Final[Mapping[str, Callable[[RequestContext], Proposal]]] = {
    "for_you": for_you,
    "similar": similar,
    "bought_together": bought_together,
    "cart": cart,
    "buy_again": buy_again,
    "recently_viewed": recently_viewed,
    "trending": trending,
    "new_arrivals": new_arrivals,
    "popular": popular,
}


def _arrays(scores: Mapping[int, float]) -> tuple[np.ndarray, np.ndarray]:
    return np.array(list(scores), np.int64), np.array(list(scores.values()), np.float64)


def _most_popular(context: RequestContext) -> Proposal:
    popularity = context.retriever.popularity
    found = popularity.top(POOL, context.eligible)
    found = found[popularity.scores[found] > 0]
    return Proposal(found, np.asarray(popularity.scores[found], np.float64), partial(same_reasons, NO_REASON))


def _best_of_catalogue(context: RequestContext, scores: np.ndarray, mask: np.ndarray, reason: Reason) -> Proposal:
    """The eligible items of `mask` (items,) bool with the best `scores` (items,), shown for one reason."""
    items = np.flatnonzero(mask & context.eligible)
    best = items[np.argsort(-scores[items], kind="stable")[:POOL]]
    return Proposal(best, scores[best].astype(np.float64), partial(same_reasons, reason))


def _likeness(context: RequestContext, neighbours: Mapping[int, float]) -> dict[int, float]:
    """Similarity to the open item by item vector and by the catalogue's words; 0 for other neighbours."""
    like = dict.fromkeys(neighbours, 0.0)
    nearest = context.retriever.vectors.similar(context.item)
    for item, cosine in zip(*(found.tolist() for found in nearest), strict=True):
        if context.eligible[item]:
            like[item] = like.get(item, 0.0) + VECTOR_SIMILARITY * cosine
    alike = context.retriever.content.most_similar(context.item, context.eligible, context.query.k, len(like))
    for item, cosine in alike.items():
        like[item] = like.get(item, 0.0) + CONTENT_SIMILARITY * cosine
    return like


def _complements(context: RequestContext, seeds: Sequence[int]) -> dict[int, float]:
    """An item of the same category scores the less, the more it is viewed together with the seeds."""
    together = _neighbour_scores(context, seeds, TOGETHER)
    instead = _neighbour_scores(context, seeds, {ViewedTogether.name: 1.0})
    category = context.retriever.items.category
    own = {int(category[seed]) for seed in seeds} - {-1}
    return {
        item: score / (1.0 + instead.get(item, 0.0)) if int(category[item]) in own else score
        for item, score in together.items()
    }


def _completing(context: RequestContext, seeds: Sequence[int], scores: Mapping[int, float]) -> Proposal:
    """The reasons speak of the seeds, which the items were scored by."""
    return Proposal(*_arrays(scores), partial(similar_reasons, context, seeds, TOGETHER, ()))


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
