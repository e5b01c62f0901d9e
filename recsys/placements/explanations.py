"""Explanations: why an item is shown, in words for the shopper."""

from collections.abc import Container, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from recsys.kernels.jit import jit
from recsys.placements.request_context import RequestContext
from recsys.ranking.features import Candidates
from recsys.retrieval.covisitation.source import CoVisitation

# By kind of interaction: with the item that the recommendation came from, or with the recommended item itself.
ACTIONS: Final = ("viewed", "chose", "bought")
OWN_REASONS: Final = ("you viewed this before", "you had this in your cart before", "you bought this before")
POPULAR_REASONS: Final = {"popular": "popular this week", "any_item": "also available", "pinned": "chosen by the shop"}
# Sources that name no single seed item, in order of precedence; {name} is the item of the last interaction.
SOURCE_REASONS: Final = {
    "visits": "others went on to this after {name}",
    "vectors": "goes with {name}",
    "content": "similar to what you looked at",
    "customers": "chosen by customers with a similar taste",
    "factors": "chosen by customers with a similar taste",
}
DUE: Final = 0.4  # the score, of 1, from which an item is due to be bought again
NOT_A_SHARE: Final = 0.05  # the share of the best candidate's score below which a relation is no reason


class Reason(NamedTuple):
    """The source that says most for an item, and the reason in words."""

    source: str
    words: str


NO_REASON: Final = Reason("popular", POPULAR_REASONS["popular"])


def explain(context: RequestContext, candidates: Candidates, shown: Sequence[int]) -> list[Reason]:
    """Each shown item's reason: the shopper's action on it, else a seed item, else the source that selected it."""
    actions = _strongest_actions(context)
    due_items = _due_reasons(context)
    reasons = {
        item: due_items.get(item) or Reason("history", OWN_REASONS[actions[item]]) for item in shown if item in actions
    }
    others = [item for item in shown if item not in reasons]
    if others and len(candidates.items):
        reasons |= zip(others, _of_others(context, candidates, others, actions), strict=True)
    return [reasons.get(item) or NO_REASON for item in shown]


def history_reasons(context: RequestContext, shown: Sequence[int]) -> list[Reason]:
    """What the shopper did with each shown item."""
    actions = _strongest_actions(context)
    return [Reason("history", OWN_REASONS[actions[item]]) if item in actions else NO_REASON for item in shown]


def purchase_reasons(context: RequestContext, shown: Sequence[int]) -> list[Reason]:
    """That each shown item is due, or was bought before."""
    due_items, bought = _due_reasons(context), Reason("repurchase", OWN_REASONS[2])
    return [due_items.get(item, bought) for item in shown]


def same_reasons(reason: Reason, shown: Sequence[int]) -> list[Reason]:
    """One reason for every shown item."""
    return [reason] * len(shown)


def popular_reason(origin: str) -> Reason:
    """The reason of an item that does not come from the shopper's history."""
    return Reason(origin, POPULAR_REASONS[origin])


def _strongest_actions(context: RequestContext) -> dict[int, int]:
    """The strongest kind of interaction that the shopper had with each item of the history."""
    aggregates = context.shopper.aggregates
    strongest = len(ACTIONS) - 1 - (aggregates.counts[:, ::-1] > 0).argmax(axis=1)
    return dict(zip(aggregates.items.tolist(), strongest.tolist(), strict=True))


def _due_reasons(context: RequestContext) -> dict[int, Reason]:
    """For each item that is due to be bought again, its interval in words."""
    purchases = context.shopper.derived(context.retriever.repurchase.purchases_of)
    columns = (purchases.items, purchases.due, purchases.interval_days, purchases.orders)
    return {
        item: Reason("repurchase", f"you buy this about every {max(round(days), 1)} days" if n > 1 else OWN_REASONS[2])
        for item, due, days, n in zip(*(column.tolist() for column in columns), strict=True)
        if due >= DUE
    }


def _relation_reason(context: RequestContext, relation: CoVisitation, seed: int, actions: dict[int, int]) -> Reason:
    """A seed item of the shopper's, to which the relation leads."""
    name = context.retriever.items.names.value(seed)
    words = relation.relation.reason.format(name=name, deed=ACTIONS[actions.get(seed, 0)])
    return Reason(relation.name, words)


def _of_others(
    context: RequestContext, candidates: Candidates, others: list[int], actions: dict[int, int]
) -> list[Reason]:
    """Reasons of items that are new to the shopper: the strongest seed item, else the source that selected them."""
    retriever = context.retriever
    wanted = np.array(others, np.int32)
    seeds = np.array([relation.strongest_seeds(context.shopper, wanted) for relation in retriever.relations])
    columns = context.pipeline.relation_columns
    relations, named = _strongest_relations(
        candidates.items, candidates.selected_by, candidates.features, wanted, columns, seeds
    )
    causes = list(zip(relations.tolist(), named.tolist(), strict=True))
    reasons = {  # many items have the same seed item
        (number, what): _source_reason(context, what)
        if number < 0
        else _relation_reason(context, retriever.relations[number], what, actions)
        for number, what in set(causes)
    }
    return [reasons[cause] for cause in causes]


@jit
def _strongest_relations(
    items: np.ndarray,
    selected_by: np.ndarray,
    features: np.ndarray,
    wanted: np.ndarray,
    columns: np.ndarray,
    seeds: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """For each wanted item the relation with the largest share, and its seed item.

    `columns` (relations, 2) int64 are the features with a relation's share, of the history and of the session.
    `seeds` (relations, wanted) are -1 if there is none: then the relation is no reason. If no relation is a reason,
    the first result is -1 and the second the item's `selected_by`, 0 if it is no candidate.
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
            if seeds[number, place] >= 0 and share >= NOT_A_SHARE and share > most:
                most, relations[place], named[place] = share, number, seeds[number, place]
    return relations, named


def _source_reason(context: RequestContext, selected_by: int) -> Reason:
    """The reason of a candidate that comes from no single seed item: the source that selected it."""
    bits = context.retriever.source_bits
    for source, words in SOURCE_REASONS.items():
        if selected_by & bits[source]:
            last = context.retriever.items.names.value(int(context.shopper.items[-1]))
            return Reason(source, words.format(name=last))
    return NO_REASON


def similar_reasons(
    context: RequestContext,
    seeds: Sequence[int],
    weights: Mapping[str, float],
    like: Container[int],
    shown: Sequence[int],
) -> list[Reason]:
    """Why each shown item goes with the seeds: the strongest weighted relation, else likeness, else the category.

    Items in `like` are similar to the first seed by their vector or by the catalogue's words.
    """
    items = context.retriever.items
    found: dict[int, tuple[float, Reason]] = {}
    for seed in seeds:
        name = items.names.value(seed)
        for relation in context.retriever.relations:
            neighbours, scores = relation.similar(seed)
            relative = weights.get(relation.name, 0.0) * scores / scores.max(initial=1e-9)
            reason = Reason(relation.name, relation.relation.similar_reason.format(name=name))
            for item, strength in zip(neighbours.tolist(), relative.tolist(), strict=True):
                if strength > found.get(item, (0.0, reason))[0]:
                    found[item] = (strength, reason)
    alike = Reason("content", f"similar to {items.names.value(seeds[0])}") if seeds else NO_REASON
    return [
        found[item][1] if item in found else alike if item in like else _category_reason(context, item)
        for item in shown
    ]


def category_reasons(context: RequestContext, shown: Sequence[int]) -> list[Reason]:
    """That each shown item is popular in its category, or in the shop if it has none."""
    return [_category_reason(context, item) for item in shown]


def _category_reason(context: RequestContext, item: int) -> Reason:
    items = context.retriever.items
    category = int(items.category[item])
    return Reason("popular", f"popular in {items.categories.value(category)}") if category >= 0 else NO_REASON
