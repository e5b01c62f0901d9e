"""Placements: what each spot of a shop's pages asks for, as scored items and the words for why.

Only the list "for you" is made by the ranker; the others answer a narrower question, which one source answers alone.
"""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.placements.explanations import (
    OWN_REASONS,
    Reason,
    category_reason,
    explain,
    popular_reason,
    repurchase_reasons,
    similar_reasons,
    strongest_actions,
)
from recsys.placements.request_context import RequestContext
from recsys.ranking.ranker import Ranker
from recsys.retrieval.covisitation.source import BoughtTogether, ViewedThenBought, ViewedTogether
from recsys.retrieval.repurchase import due

# How much each relation says of what is similar to an item.
SIMILARITY: Final = {ViewedTogether.name: 1.0, ViewedThenBought.name: 0.5, BoughtTogether.name: 0.25}
TOGETHER: Final = {BoughtTogether.name: 1.0}  # the same of what completes it
VECTOR_SIMILARITY: Final = 0.5  # of a cosine of 1, beside what people do
CONTENT_SIMILARITY: Final = 0.25
POOL: Final = 300  # items of a list that is made without candidates of the shopper's own
PRICE_WEIGHT: Final = 0.1
TREND_PRIOR: Final = 5.0  # customers: how many a week must bring before a rise is believed


@dataclass(frozen=True)
class Scored:
    """What a placement proposes: distinct `items` (n,) int64, `scores` (n,) float64, and why an item is shown."""

    items: np.ndarray
    scores: np.ndarray
    reasons: Callable[[Sequence[int]], list[Reason]]


Rankers = Mapping[str, Ranker]
Placement = Callable[[RequestContext, Rankers], Scored]


def for_you(context: RequestContext, rankers: Rankers) -> Scored:
    """Long-term taste and what is happening in this visit, together."""
    if context.shopper.is_cold_start:
        return popular(context, rankers)
    candidates = context.pipeline.candidates(context.shopper, context.eligible)
    scores = ranker_of(context.shopper.in_session, rankers).scores(candidates.features)
    return Scored(candidates.items.astype(np.int64), scores, lambda shown: explain(context, candidates, shown))


def ranker_of(in_visit: bool, rankers: Rankers) -> Ranker:
    """The ranker of the scenario; in a session, the other one where too few sessions were seen to train its own."""
    own = rankers["visit" if in_visit else "start"]
    return rankers["start"] if in_visit and own.name == "blend" else own


def similar(context: RequestContext, rankers: Rankers) -> Scored:
    """What shoppers of the open item look at besides, filled up from its category."""
    if context.item < 0:
        return _about_the_page(context, {}, SIMILARITY)
    scores = _neighbour_scores(context, np.array([context.item], np.int64), SIMILARITY)
    like = dict.fromkeys(scores, 0.0)
    for item, cosine in zip(
        *(found.tolist() for found in context.retriever.vectors.similar(context.item)), strict=True
    ):
        if context.eligible[item]:
            like[item] = like.get(item, 0.0) + VECTOR_SIMILARITY * cosine
    alike = context.retriever.content.most_similar(context.item, context.eligible, context.query.k, len(like))
    for item, cosine in alike.items():
        like[item] = like.get(item, 0.0) + CONTENT_SIMILARITY * cosine
    together = {item: scores.get(item, 0.0) + likeness for item, likeness in like.items()}
    return _about_the_page(context, _filled_from_category(context, together), SIMILARITY, like)


def bought_together(context: RequestContext, rankers: Rankers) -> Scored:
    """What completes the open item or the cart: bought with it, but not instead of it."""
    return _about_the_page(context, complements(context), TOGETHER)


def cart(context: RequestContext, rankers: Rankers) -> Scored:
    """What completes this cart; dearer items first among those that fit it equally well."""
    scores = complements(context)
    price = context.retriever.items.price
    worth = {item: score * _worth(float(price[item])) for item, score in scores.items()}
    return _about_the_page(context, worth, TOGETHER)


def complements(context: RequestContext) -> dict[int, float]:
    """Items bought together with the page's, less the more they are looked at instead of them."""
    together = _neighbour_scores(context, context.anchors, TOGETHER)
    instead = _neighbour_scores(context, context.anchors, {ViewedTogether.name: 1.0})
    category = context.retriever.items.category
    own = {int(code) for code in category[context.anchors]} - {-1}
    return {
        item: score / (1.0 + instead.get(item, 0.0)) if int(category[item]) in own else score
        for item, score in together.items()
    }


def buy_again(context: RequestContext, rankers: Rankers) -> Scored:
    """What the customer bought before, the nearer to its interval the higher."""
    purchases = context.retriever.repurchase.purchases(context.shopper)
    dues = [
        due(since, days, n)
        for since, days, n in zip(purchases.days_since, purchases.interval_days, purchases.orders, strict=True)
    ]
    reasons = repurchase_reasons(context)
    # What is not due at all is still something that was bought: behind the others, the latest first.
    scores = np.array(dues, np.float64) + 1e-6 / (1.0 + purchases.days_since)
    bought = Reason("repurchase", OWN_REASONS[2])
    return Scored(purchases.items.astype(np.int64), scores, lambda shown: [reasons.get(i, bought) for i in shown])


def recently_viewed(context: RequestContext, rankers: Rankers) -> Scored:
    """What the shopper touched last, the latest first."""
    touches = context.shopper.aggregates
    scores = -touches.last_days.astype(np.float64) - 1e-6 * np.minimum(touches.session_steps, 1e3)
    deeds = strongest_actions(context)
    return Scored(
        touches.items.astype(np.int64),
        scores,
        lambda shown: [
            Reason("history", OWN_REASONS[deeds[item]]) if item in deeds else popular_reason("popular")
            for item in shown
        ],
    )


def trending(context: RequestContext, rankers: Rankers) -> Scored:
    """What rises: customers of the last week against the three weeks before it."""
    counters = context.retriever.counters
    before = np.maximum(counters.month - counters.week, 0) / 3
    rise = np.log((counters.week + TREND_PRIOR) / (before + TREND_PRIOR)) * np.sqrt(counters.week)
    return _of_catalogue(context, rise, counters.week > 0, Reason("trending", "trending now"))


def new_arrivals(context: RequestContext, rankers: Rankers) -> Scored:
    """What came into the store last."""
    items, counters = context.retriever.items, context.retriever.counters
    seen = np.where(counters.age_days > 0, context.retriever.now - counters.age_days * SECONDS_PER_DAY, context.now)
    since = np.where(items.available_from > 0, items.available_from, seen)
    newness = -(context.now - since) / SECONDS_PER_DAY
    known = (items.available_from > 0) | (counters.age_days > 0)
    return _of_catalogue(context, newness, known, Reason("new_arrivals", "new in the shop"))


def popular(context: RequestContext, rankers: Rankers) -> Scored:
    """What most customers chose lately; on an item's page, in its category."""
    retriever = context.retriever
    category = int(retriever.items.category[context.item]) if context.item >= 0 else -1
    if category >= 0 and context.query.placement == "popular":
        found = retriever.popularity.top_of_category(category, POOL, context.eligible)
        return Scored(
            found, _scores_of(context, found), lambda shown: [category_reason(context, item) for item in shown]
        )
    found = retriever.popularity.top(POOL, context.eligible)
    found = found[retriever.popularity.scores[found] > 0]
    return Scored(found, _scores_of(context, found), lambda shown: [popular_reason("popular")] * len(shown))


PLACEMENTS: Final[Mapping[str, Placement]] = {
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


def _scores_of(context: RequestContext, found: np.ndarray) -> np.ndarray:
    return np.asarray(context.retriever.popularity.scores[found], np.float64)


def _worth(price: float) -> float:
    """A tenth more for each factor of e in price: it decides between items that fit about equally well."""
    return 1.0 + PRICE_WEIGHT * float(np.log1p(price)) if price > 0 else 1.0


def _neighbour_scores(context: RequestContext, anchors: np.ndarray, weights: Mapping[str, float]) -> dict[int, float]:
    """The eligible neighbours of the anchors over the weighted relations; each relation's best neighbour counts 1."""
    scores: dict[int, float] = {}
    for relation in context.retriever.relations:
        weight = weights.get(relation.name, 0.0)
        for anchor in anchors.tolist() if weight else ():
            neighbours, strengths = relation.similar(anchor)
            best = float(strengths.max(initial=1e-9))
            for item, strength in zip(neighbours.tolist(), strengths.tolist(), strict=True):
                if context.eligible[item]:
                    scores[item] = scores.get(item, 0.0) + weight * strength / best
    return scores


def _filled_from_category(context: RequestContext, scores: dict[int, float]) -> dict[int, float]:
    """With the popular items of the open item's category behind what was found."""
    retriever = context.retriever
    category = int(retriever.items.category[context.item]) if context.item >= 0 else -1
    if category < 0:
        return scores
    popular_items = retriever.popularity.top_of_category(category, context.query.k, context.eligible)
    return {item: -1.0 - place for place, item in enumerate(popular_items.tolist())} | scores


def _about_the_page(
    context: RequestContext, scores: dict[int, float], relations: Mapping[str, float], like: Container[int] = ()
) -> Scored:
    found = np.array(list(scores), np.int64)
    points = np.array(list(scores.values()), np.float64)
    return Scored(found, points, lambda shown: similar_reasons(context, context.anchors, shown, relations, like))


def _of_catalogue(context: RequestContext, scores: np.ndarray, mask: np.ndarray, reason: Reason) -> Scored:
    """The best eligible items of the whole catalogue by one number each."""
    places = np.flatnonzero(mask & context.eligible)
    best = places[np.argsort(-scores[places], kind="stable")[:POOL]]
    return Scored(best, scores[best].astype(np.float64), lambda shown: [reason] * len(shown))
