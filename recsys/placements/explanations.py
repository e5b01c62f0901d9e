"""Reasons: why an item is shown, in words that a shopper would accept."""

from collections.abc import Container, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from recsys.kernels.jit import jit
from recsys.placements.request_context import RequestContext
from recsys.ranking.features import Candidates
from recsys.retrieval.covisitation.source import CoVisitation
from recsys.retrieval.repurchase import due

# By kind: what the shopper did with the item that the recommendation came from, or with the recommended item itself.
ACTIONS: Final = ("viewed", "chose", "bought")
OWN_REASONS: Final = ("you viewed this before", "you had this in your cart before", "you bought this before")
POPULAR_REASONS: Final = {"popular": "popular this week", "any_item": "also available", "pinned": "chosen by the shop"}
# Of sources that speak for an item without a single other item to name, first come first; {name} was touched last.
SOURCE_REASONS: Final = {
    "visits": "others went on to this after {name}",
    "vectors": "goes with {name}",
    "content": "similar to what you looked at",
    "customers": "chosen by customers with a similar taste",
    "factors": "chosen by customers with a similar taste",
}
DUE: Final = 0.4  # of 1, from which a purchase is said to be due again
NOT_A_SHARE: Final = 0.05  # of the best candidate's score, below which a source is no reason


class Reason(NamedTuple):
    """The source that speaks most for an item, and the reason in words."""

    source: str
    words: str


NO_REASON: Final = Reason("popular", POPULAR_REASONS["popular"])


def explain(context: RequestContext, candidates: Candidates, shown: Sequence[int]) -> list[Reason]:
    """The reason of each shown item (places): what the shopper did with it, else a neighbour, else what suits."""
    deeds = strongest_actions(context)
    due_again = repurchase_reasons(context)
    reasons = {
        item: due_again.get(item) or Reason("history", OWN_REASONS[deeds[item]]) for item in shown if item in deeds
    }
    others = [item for item in shown if item not in reasons]
    if others and len(candidates.items):
        reasons |= zip(others, _of_others(context, candidates, others, deeds), strict=True)
    return [reasons.get(item) or NO_REASON for item in shown]


def strongest_actions(context: RequestContext) -> dict[int, int]:
    """The strongest kind of interaction that the shopper had with each item of the history."""
    touches = context.shopper.aggregates
    strongest = len(ACTIONS) - 1 - (touches.counts[:, ::-1] > 0).argmax(axis=1)
    return dict(zip(touches.items.tolist(), strongest.tolist(), strict=True))


def repurchase_reasons(context: RequestContext) -> dict[int, Reason]:
    """Of the items that are due again, their interval."""
    purchases = context.retriever.repurchase.purchases(context.shopper)
    columns = (purchases.items, purchases.days_since, purchases.interval_days, purchases.orders)
    found = zip(*(column.tolist() for column in columns), strict=True)
    return {
        item: Reason("repurchase", f"you buy this about every {max(round(days), 1)} days" if n > 1 else OWN_REASONS[2])
        for item, since, days, n in found
        if due(since, days, n) >= DUE
    }


def relation_reason(context: RequestContext, relation: CoVisitation, anchor: int, deeds: dict[int, int]) -> Reason:
    """Because of another item of the shopper's."""
    name = context.retriever.items.names.value(anchor)
    words = relation.relation.reason.format(name=name, deed=ACTIONS[deeds.get(anchor, 0)])
    return Reason(relation.name, words)


def popular_reason(origin: str) -> Reason:
    """Of an item that nothing of the shopper's speaks for."""
    return Reason(origin, POPULAR_REASONS[origin])


def _of_others(
    context: RequestContext, candidates: Candidates, others: list[int], deeds: dict[int, int]
) -> list[Reason]:
    """Reasons of items that the shopper does not know: the strongest neighbour, else the source that selected them."""
    retriever = context.retriever
    wanted = np.array(others, np.int32)
    anchors = np.array([relation.strongest_seeds(context.shopper, wanted) for relation in retriever.relations])
    relations, named = _most_telling(
        candidates.items,
        candidates.selected_by,
        candidates.features,
        wanted,
        context.pipeline.relation_columns,
        anchors,
    )
    causes = list(zip(relations.tolist(), named.tolist(), strict=True))
    said = {  # many items are shown because of the same one
        (number, what): _source_reason(context, what)
        if number < 0
        else relation_reason(context, retriever.relations[number], what, deeds)
        for number, what in set(causes)
    }
    return [said[cause] for cause in causes]


@jit
def _most_telling(
    items: np.ndarray,
    selected_by: np.ndarray,
    features: np.ndarray,
    wanted: np.ndarray,
    columns: np.ndarray,
    anchors: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Of each wanted item the relation that says most of it, and the anchor it names.

    `columns` (relations, 2) int64 are the features with what a relation says, of the history and of the visit;
    `anchors` (relations, wanted), -1 where there is none: then a relation has nothing to name. Where no relation says
    anything it is -1, and in the anchor's place stands the item's `selected_by`, 0 if it is no candidate.
    """
    rows, relations, named = np.full(len(wanted), -1), np.full(len(wanted), -1), np.zeros(len(wanted), np.int64)
    for row in range(len(items)):
        for place in range(len(wanted)):
            if items[row] == wanted[place]:
                rows[place], named[place] = row, selected_by[row]
    for place in range(len(wanted)):
        most = 0.0
        for number in range(len(columns) if rows[place] >= 0 else 0):
            share = max(features[rows[place], columns[number, 0]], features[rows[place], columns[number, 1]])
            if anchors[number, place] >= 0 and share >= NOT_A_SHARE and share > most:
                most, relations[place], named[place] = share, number, anchors[number, place]
    return relations, named


def _source_reason(context: RequestContext, selected_by: int) -> Reason:
    """Where no single item of the shopper's explains a candidate: the source that selected it."""
    bits = context.retriever.source_bits
    for source, words in SOURCE_REASONS.items():
        if selected_by & bits[source]:
            last = context.retriever.items.names.value(int(context.shopper.items[-1]))
            return Reason(source, words.format(name=last))
    return NO_REASON


def similar_reasons(
    context: RequestContext,
    anchors: np.ndarray,
    shown: Sequence[int],
    weights: Mapping[str, float],
    like: Container[int] = (),
) -> list[Reason]:
    """Why each shown item goes with the page's: the weighed relation that ties them most, else what is said of it.

    Items `like` the first anchor are so by their vector or by the catalogue's words; of others the category speaks.
    """
    items = context.retriever.items
    found: dict[int, tuple[float, Reason]] = {}
    for anchor in anchors.tolist():
        name = items.names.value(anchor)
        for relation in context.retriever.relations:
            neighbours, scores = relation.similar(anchor)
            relative = weights.get(relation.name, 0.0) * scores / scores.max(initial=1e-9)
            reason = Reason(relation.name, relation.relation.similar_reason.format(name=name))
            for item, strength in zip(neighbours.tolist(), relative.tolist(), strict=True):
                if strength > found.get(item, (0.0, reason))[0]:
                    found[item] = (strength, reason)
    alike = Reason("content", f"similar to {items.names.value(int(anchors[0]))}") if len(anchors) else NO_REASON
    return [
        found[item][1] if item in found else alike if item in like else category_reason(context, item) for item in shown
    ]


def category_reason(context: RequestContext, item: int) -> Reason:
    """Popular within its category, where it has one."""
    items = context.retriever.items
    category = int(items.category[item])
    words = f"popular in {items.categories.value(category)}" if category >= 0 else POPULAR_REASONS["popular"]
    return Reason("popular", words)
