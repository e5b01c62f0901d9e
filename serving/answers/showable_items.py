"""Which catalogue updates a recommender can show. They are tried before they are stored, and before they are served."""

from collections.abc import Sequence

from recsys.data.catalogue_updates import ItemUpsert
from recsys.recommender import Recommender
from recsys.request import PLACEMENTS, Query


def with_showable(recommender: Recommender, items: Sequence[ItemUpsert]) -> tuple[Recommender, dict[str, str]]:
    """The recommender with those of the items that it can show, and by id of each other item what it raises."""
    try:
        updated = recommender.with_items(items)
        answer_every_placement(updated)
    except Exception as error:
        if len(items) == 1:
            return recommender, {items[0].item_id: f"{type(error).__name__}: {error}"}
        half = len(items) // 2
        first, refused = with_showable(recommender, items[:half])
        both, more = with_showable(first, items[half:])
        return both, refused | more
    return updated, {}


def answer_every_placement(recommender: Recommender) -> None:
    """Ask for every list once. This also compiles and caches what the first request would otherwise wait for."""
    ids, customers = recommender.retriever.items.ids, recommender.histories.customers
    if len(ids):
        customer = customers.value(0) if len(customers) else "nobody"
        for placement in PLACEMENTS:
            recommender.recommend(Query(customer_id=customer, item_id=ids.value(0), placement=placement))
