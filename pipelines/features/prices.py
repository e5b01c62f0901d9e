"""Prices in the events: what an item cost on each day on which it was viewed, added or ordered."""

from datetime import datetime

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED


def daily_prices(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """The mean price stated per item and UTC day before the day of `as_of`: item_id, date, price.

    Views and baskets count as orders do, so that a price cut shows on days without a sale. Refunds and cancellations
    repeat old prices and do not count.
    """
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    stated = events.filter(
        events[c.OCCURRED_AT] < ibis.literal(midnight),
        events[c.EVENT].notin((ORDER_REFUNDED, ORDER_CANCELLED)),
        events[c.ITEM_ID].notnull(),
        events[c.PRICE] > 0,
    )
    dated = stated.select(c.ITEM_ID, c.PRICE, stated[c.OCCURRED_AT].date().name(c.DATE))
    return dated.group_by(c.ITEM_ID, c.DATE).agg(dated[c.PRICE].mean().name(c.PRICE))
