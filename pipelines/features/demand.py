"""Demand as events tell it: units wanted per item and day."""

from datetime import datetime
from typing import Final

import ibis

from contracts import columns as c
from contracts.events import ORDER_CANCELLED, ORDER_COMPLETED

_PRICED_UNITS: Final = "priced_units"
_VALUE: Final = "value"


def daily_demand(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """Units of completed orders per item and UTC day, before the day of `as_of` began: item_id, date, units, price.

    Demand is what was wanted: a refund or return leaves it as it is, while an order cancelled before `as_of` counts as
    never placed. Price is the mean per unit, null where no line has one. The day of `as_of` is not over and left out.
    """
    lines = _lines(events, as_of)
    daily = lines.group_by(c.ITEM_ID, c.DATE).agg(
        lines[c.QUANTITY].sum().name(c.UNITS),
        (lines[c.QUANTITY] * lines[c.PRICE]).sum().name(_VALUE),
        lines[c.QUANTITY].sum(where=lines[c.PRICE].notnull()).name(_PRICED_UNITS),
    )
    price = daily[_VALUE] / daily[_PRICED_UNITS]
    return daily.select(c.ITEM_ID, c.DATE, c.UNITS, price.name(c.PRICE))


def _lines(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """The lines of orders that stood at `as_of`, with the day on which they were placed."""
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    placed = events.filter(
        events[c.OCCURRED_AT] < ibis.literal(midnight),
        events[c.EVENT] == ORDER_COMPLETED,
        events[c.ITEM_ID].notnull(),
        events[c.QUANTITY] > 0,
    )
    cancelled = events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of), events[c.EVENT] == ORDER_CANCELLED)
    standing = placed.anti_join(cancelled.select(c.ORDER_ID).distinct(), c.ORDER_ID)
    return standing.select(c.ITEM_ID, c.QUANTITY, c.PRICE, standing[c.OCCURRED_AT].date().name(c.DATE))
