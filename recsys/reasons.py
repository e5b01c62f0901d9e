"""Reasons: why an item is shown, in words that a shopper would accept."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from recsys.features import Candidates
from recsys.items import Items
from recsys.pairs import find
from recsys.retrieval.covisitation import CoVisitation
from recsys.shoppers import Shoppers

# By kind: what the shopper did with the item that the recommendation came from, or with the recommended item itself.
DEEDS: Final = ("viewed", "chose", "bought")
OWN_REASONS: Final = ("you viewed this before", "you had this in your cart before", "you bought this before")
POPULAR_REASONS: Final = {"popular": "popular this week", "any_item": "also available"}


@dataclass(frozen=True)
class Reason:
    """The source that speaks most for an item, and the reason in words."""

    source: str
    words: str


def explain(
    shoppers: Shoppers, candidates: Candidates, shown: np.ndarray, items: Items, relations: tuple[CoVisitation, ...]
) -> list[Reason]:
    """The reason of each shown item (places) of a batch of one: its own history, else a neighbour, else popularity."""
    deeds = _deeds(shoppers)
    reasons = {item: Reason("history", OWN_REASONS[deeds[item]]) for item in shown.tolist() if item in deeds}
    places = find(candidates.keys, shown)
    strengths = np.stack([candidates.relative_score(r.name)[places] * (places >= 0) for r in relations])
    best = np.where(strengths.max(axis=0) > 0, strengths.argmax(axis=0), -1)
    for number, relation in enumerate(relations):
        mine = np.array([item for item in shown[best == number].tolist() if item not in reasons], np.int64)
        if not len(mine):
            continue
        anchors = relation.strongest_anchor(shoppers, mine).tolist()
        for item, anchor in zip(mine.tolist(), anchors, strict=True):
            words = relation.relation.reason.format(name=items.names.value(anchor), deed=DEEDS[deeds[anchor]])
            reasons[item] = Reason(relation.name, words)
    popular = Reason("popular", POPULAR_REASONS["popular"])
    return [reasons.get(item, popular) for item in shown.tolist()]


def explain_similar(item: int, shown: np.ndarray, items: Items, relations: tuple[CoVisitation, ...]) -> list[Reason]:
    """Why each shown item (places) goes with one item: the relation that ties them most, else the category."""
    name = items.names.value(item)
    category = int(items.category[item])
    words = f"popular in {items.categories.value(category)}" if category >= 0 else POPULAR_REASONS["popular"]
    reasons = {place: Reason("popular", words) for place in shown.tolist()}
    strengths = dict.fromkeys(shown.tolist(), 0.0)
    for relation in relations:
        neighbours, scores = relation.similar(item)
        relative = scores / scores.max(initial=1e-9)
        for place, strength in zip(neighbours.tolist(), relative.tolist(), strict=True):
            if strength > strengths.get(place, np.inf):
                strengths[place] = strength
                reasons[place] = Reason(relation.name, relation.relation.similar_reason.format(name=name))
    return [reasons[place] for place in shown.tolist()]


def _deeds(shoppers: Shoppers) -> dict[int, int]:
    """The strongest kind of interaction that a batch of one had with each item of its history."""
    touches = shoppers.touches
    strongest = len(DEEDS) - 1 - (touches.counts[::-1] > 0).argmax(axis=0)
    return dict(zip(touches.items.tolist(), strongest.tolist(), strict=True))
