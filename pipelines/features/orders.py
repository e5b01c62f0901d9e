"""Orders as they stand at a point in time: what was bought, less what was given back or cancelled by then.

A refund that names products takes back those units; one that names none, and every cancellation, takes back the whole
order. An order of which nothing is left is no order. A refund that names no order we know of cannot undo one;
`unlinked_refunds` says how much money it took back.
"""

from datetime import datetime
from typing import Final

import ibis

from contracts import columns as c
from contracts.events import ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED

ORDERED_AT: Final = "ordered_at"
VALUE: Final = "value"  # money for products, after discount and refunds, without fees
ITEMS: Final = "items"  # different items
UNITS_ORDERED: Final = "units_ordered"
VALUE_ORDERED: Final = "value_ordered"
GAP_DAYS: Final = "gap_days"
DAY_SECONDS: Final = 86_400


def orders(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """One row per order of which something is left: customer_id, order_id, ordered_at, units, value, items.

    The value is the sum of quantity times price, less the order's discount in proportion to what is left; where no
    price is known, it is the revenue that the sender stated.
    """
    lines = order_lines(events, as_of)
    whole = lines.group_by(c.CUSTOMER_ID, c.ORDER_ID).agg(
        **{ORDERED_AT: lines[ORDERED_AT].min(), c.UNITS: lines[c.UNITS].sum(), ITEMS: lines[ITEMS].sum()},
        ordered=lines[UNITS_ORDERED].sum(),
        gross=lines[VALUE_ORDERED].sum(),
        net=lines[VALUE].sum(),
        discount=lines[c.DISCOUNT].max().coalesce(0.0),
        stated=lines[c.REVENUE].max().coalesce(0.0),
        is_undone=lines.is_undone.max(),
    )
    left = whole.filter(~whole.is_undone, (whole.units > 0) | (whole.ordered == 0))
    kept = ibis.ifelse(left.gross > 0, left.net / left.gross, 1.0)
    products = ibis.greatest(left.net - left.discount * kept, 0.0)
    value = ibis.ifelse(left.gross > 0, products, left.stated).round(2)
    return left.select(c.CUSTOMER_ID, c.ORDER_ID, ORDERED_AT, c.UNITS, value.name(VALUE), ITEMS)


def order_lines(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """One row per order and item, also of undone orders: what was ordered, and what is left of it.

    Columns: customer_id, order_id, item_id, ordered_at, units_ordered, value_ordered, units, value, items (1 where any
    unit is left), discount and revenue (of the whole order), is_undone (the whole order was refunded or cancelled).
    """
    ordered, returned = _ordered(events, as_of), _returned(events, as_of)
    lines = ordered.left_join(returned, [c.ORDER_ID, c.ITEM_ID]).drop(f"{c.ORDER_ID}_right", f"{c.ITEM_ID}_right")
    undone = _undone(events, as_of)
    lines = lines.left_join(undone, c.ORDER_ID).drop(f"{c.ORDER_ID}_right")
    is_undone = lines.is_undone.coalesce(False)
    left = ibis.greatest(lines[UNITS_ORDERED] - lines.units_returned.coalesce(0.0), 0.0)
    units = ibis.ifelse(is_undone, 0.0, left)
    share = ibis.ifelse(lines[UNITS_ORDERED] > 0, units / lines[UNITS_ORDERED], 0.0)
    has_item = lines[c.ITEM_ID].notnull() & (units > 0)
    return lines.mutate(
        units.name(c.UNITS),
        (lines[VALUE_ORDERED] * share).name(VALUE),
        has_item.cast("int64").name(ITEMS),
        is_undone.name("is_undone"),
    ).drop("units_returned")


def unlinked_refunds(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """Money given back for orders that are not among the events: one row per customer_id, with its value."""
    past = events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of))
    known = past.filter(past[c.EVENT] == ORDER_COMPLETED).select(c.ORDER_ID).distinct()
    refunds = past.filter(past[c.EVENT] == ORDER_REFUNDED).anti_join(known, c.ORDER_ID)
    each = refunds.group_by(c.CUSTOMER_ID, c.MESSAGE_ID).agg(
        (refunds[c.QUANTITY] * refunds[c.PRICE]).sum().name(VALUE), refunds[c.REVENUE].max().abs().name("stated")
    )
    value = each[VALUE].coalesce(each.stated, 0.0)
    return each.group_by(c.CUSTOMER_ID).agg(value.sum().round(2).name(VALUE))


def order_gaps(placed: ibis.Table) -> ibis.Table:
    """One row per customer and UTC day with an order: customer_id, day (a number), gap_days since the one before.

    `placed` is what `orders` gave. Several orders on one day count as one: a basket is often split. The first gap of
    a customer is null.
    """
    days = placed.select(c.CUSTOMER_ID, day=placed[ORDERED_AT].epoch_seconds() // DAY_SECONDS).distinct()
    before = days.day.lag().over(ibis.window(group_by=c.CUSTOMER_ID, order_by="day"))
    return days.mutate((days.day - before).name(GAP_DAYS))


def _ordered(events: ibis.Table, as_of: datetime) -> ibis.Table:
    """What was ordered, by order and item; lines of one order may come in several events."""
    placed = events.filter(
        events[c.OCCURRED_AT] < ibis.literal(as_of), events[c.EVENT] == ORDER_COMPLETED, events[c.ORDER_ID].notnull()
    )
    return placed.group_by(c.CUSTOMER_ID, c.ORDER_ID, c.ITEM_ID).agg(
        placed[c.OCCURRED_AT].min().name(ORDERED_AT),
        placed[c.QUANTITY].sum().coalesce(0.0).name(UNITS_ORDERED),
        (placed[c.QUANTITY] * placed[c.PRICE]).sum().coalesce(0.0).name(VALUE_ORDERED),
        placed[c.DISCOUNT].max().abs().name(c.DISCOUNT),
        placed[c.REVENUE].max().name(c.REVENUE),
    )


def _returned(events: ibis.Table, as_of: datetime) -> ibis.Table:
    refunds = events.filter(
        events[c.OCCURRED_AT] < ibis.literal(as_of), events[c.EVENT] == ORDER_REFUNDED, events[c.ITEM_ID].notnull()
    )
    return refunds.group_by(c.ORDER_ID, c.ITEM_ID).agg(units_returned=refunds[c.QUANTITY].sum())


def _undone(events: ibis.Table, as_of: datetime) -> ibis.Table:
    wholly = (events[c.EVENT] == ORDER_CANCELLED) | ((events[c.EVENT] == ORDER_REFUNDED) & events[c.ITEM_ID].isnull())
    undone = events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of), wholly, events[c.ORDER_ID].notnull())
    return undone.select(c.ORDER_ID).distinct().mutate(is_undone=ibis.literal(True))
