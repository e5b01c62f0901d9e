"""Interactions of customers with items: views, cart additions and orders, from which recommendations are learned."""

from datetime import datetime
from typing import Final

import ibis
import ibis.expr.datatypes as dt

from contracts import columns as c
from contracts.events.names import (
    PRODUCT_ADDED,
    PRODUCT_CLICKED,
    PRODUCT_VIEWED,
)
from pipelines.features.order_statements import ORDERED_AT
from pipelines.features.orders import ITEMS, order_lines

VIEW: Final = "view"
CART: Final = "cart"
ORDER: Final = "order"
KIND_BY_EVENT: Final = {PRODUCT_VIEWED: VIEW, PRODUCT_CLICKED: VIEW, PRODUCT_ADDED: CART}
_TYPES: Final = {
    c.CUSTOMER_ID: dt.string,
    c.ITEM_ID: dt.string,
    c.KIND: dt.string,
    c.OCCURRED_AT: dt.Timestamp(timezone="UTC", scale=6),
}


def interactions(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """One row per interaction before `as_of`: customer_id, item_id, kind (view, cart or order), occurred_at.

    Only of customers who allow personalization, with a user id or without. An order counts once per item, and not if by
    `as_of` it was cancelled or refunded as a whole, or all units of that item were given back. The order of the rows
    is not defined.
    """
    # A union needs equal types, down to whether they may be null.
    return _browsed(events, as_of).cast(_TYPES).union(_ordered(events, as_of).cast(_TYPES), distinct=False)


def _browsed(events: ibis.Table, as_of: datetime) -> ibis.Table:
    found = events.filter(
        events[c.OCCURRED_AT] < ibis.literal(as_of),
        events[c.ALLOWS_PERSONALIZATION],
        events[c.EVENT].isin(list(KIND_BY_EVENT)),
        events[c.ITEM_ID].notnull(),
    )
    kind = found[c.EVENT].cases(*KIND_BY_EVENT.items())
    return found.select(c.CUSTOMER_ID, c.ITEM_ID, kind.name(c.KIND), c.OCCURRED_AT)


def _ordered(events: ibis.Table, as_of: datetime) -> ibis.Table:
    # All that was said of an order tells whose it is, so who refuses is left out after that.
    lines = order_lines(events, as_of)
    kept = lines.filter(lines[ITEMS] > 0, lines[c.ALLOWS_PERSONALIZATION])
    return kept.select(c.CUSTOMER_ID, c.ITEM_ID, ibis.literal(ORDER).name(c.KIND), kept[ORDERED_AT].name(c.OCCURRED_AT))
