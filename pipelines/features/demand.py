"""Demand in the events: units ordered per item and day, and per item, channel and day."""

from datetime import datetime
from typing import Final

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_COMPLETED

COUPON_UNITS: Final = "coupon_units"  # of orders on which a coupon was used
_PRICED_UNITS: Final = "priced_units"
_VALUE: Final = "value"


def daily_demand(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """Units of completed orders per item and UTC day before that of `as_of`: item_id, date, units, price, coupon_units.

    A refund or return does not lower demand; an order cancelled before `as_of` counts as never placed. Price is the
    mean per unit, null where no line has one. The day of `as_of` is incomplete and left out.
    """
    return _daily(_lines(events, as_of), c.ITEM_ID, c.DATE)


def channel_demand(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """`daily_demand` by channel too: item_id, channel, date, units, price, coupon_units; a channel may be null."""
    return _daily(_lines(events, as_of), c.ITEM_ID, c.CHANNEL, c.DATE)


def order_countries(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """The number of orders before `as_of` by country: country, orders. Orders without a country are left out."""
    placed = events.filter(
        events[c.OCCURRED_AT] < ibis.literal(as_of), events[c.EVENT] == ORDER_COMPLETED, events[c.COUNTRY].notnull()
    )
    return placed.group_by(c.COUNTRY).agg(placed[c.ORDER_ID].nunique().name(c.ORDERS))


def _daily(lines: ibis.Table, *key: str) -> ibis.Table:
    daily = lines.group_by(*key).agg(
        lines[c.QUANTITY].sum().name(c.UNITS),
        (lines[c.QUANTITY] * lines[c.PRICE]).sum().name(_VALUE),
        lines[c.QUANTITY].sum(where=lines[c.PRICE].notnull()).name(_PRICED_UNITS),
        lines[c.QUANTITY].sum(where=lines[c.COUPON].notnull()).coalesce(0.0).name(COUPON_UNITS),
    )
    price = daily[_VALUE] / daily[_PRICED_UNITS]
    return daily.select(*key, c.UNITS, price.name(c.PRICE), COUPON_UNITS)


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
    date = standing[c.OCCURRED_AT].date().name(c.DATE)
    return standing.select(c.ITEM_ID, c.CHANNEL, c.QUANTITY, c.PRICE, c.COUPON, date)
