"""Demand in the events: units ordered per item and day, and per item, channel and day."""

from datetime import datetime
from typing import Final

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_COMPLETED, ORDER_UPDATED
from pipelines.features.order_statements import (
    IS_OF_PAGE,
    ORDERED_AT,
    PRICED_UNITS,
    UNITS_ORDERED,
    VALUE_ORDERED,
    is_of_page,
    stated_lines,
)

COUPON_UNITS: Final = "coupon_units"  # of orders on which a coupon was used


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
        lines[UNITS_ORDERED].sum().name(c.UNITS),
        lines[VALUE_ORDERED].sum().name(VALUE_ORDERED),
        lines[PRICED_UNITS].sum().nullif(0.0).name(PRICED_UNITS),
        lines[UNITS_ORDERED].sum(where=lines[c.COUPON].notnull()).coalesce(0.0).name(COUPON_UNITS),
    )
    price = daily[VALUE_ORDERED] / daily[PRICED_UNITS]
    return daily.select(*key, c.UNITS, price.name(c.PRICE), COUPON_UNITS)


def _lines(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """The lines of orders that stood at `as_of`, with the day on which they were placed.

    An order's channel and coupon are known if any event that tells of the order states them.
    """
    midnight = as_of.replace(hour=0, minute=0, second=0, microsecond=0)
    lines = stated_lines(events, as_of)
    placed = lines.filter(
        lines[ORDERED_AT] < ibis.literal(midnight), lines[c.ITEM_ID].notnull(), lines[UNITS_ORDERED] > 0
    )
    past = events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of), events[c.ORDER_ID].notnull())
    told = past.filter(past[c.EVENT].isin((ORDER_COMPLETED, ORDER_UPDATED, ORDER_CANCELLED)))
    of_order = told.group_by(c.ORDER_ID).agg(
        told[c.CHANNEL].max().name(c.CHANNEL),
        told[c.COUPON].max().name(c.COUPON),
        cancelled=(told[c.EVENT] == ORDER_CANCELLED).max(),
        cancelled_by_shop=((told[c.EVENT] == ORDER_CANCELLED) & ~is_of_page(told)).max(),
    )
    joined = placed.inner_join(of_order, c.ORDER_ID)
    standing = joined.filter(~ibis.ifelse(joined[IS_OF_PAGE], joined.cancelled, joined.cancelled_by_shop))
    date = standing[ORDERED_AT].date().name(c.DATE)
    return standing.select(c.ITEM_ID, c.CHANNEL, UNITS_ORDERED, PRICED_UNITS, VALUE_ORDERED, c.COUPON, date)
