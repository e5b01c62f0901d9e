"""Orders as they stand at a point in time: what was bought, less what was given back or cancelled by then.

A refund that names products takes back those units; one that names none, and every cancellation, takes back the whole
order. An order with nothing left does not count.

Many shops use separate numbers for credit notes, so that the refund's order id is unknown. The units that it gives
back are taken from the customer's own orders of that item at that price, the latest first, as far as they were placed
before the last of such refunds. What else they gave back undoes no order; `unlinked_refunds` says how much it is.
"""

from typing import Final

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_COMPLETED, ORDER_REFUNDED
from contracts.time_units import SECONDS_PER_DAY
from pipelines.features.as_of import AsOf, timestamp

ORDERED_AT: Final = "ordered_at"
VALUE: Final = "value"  # money for products, after discount and refunds, without fees
ITEMS: Final = "items"  # different items
UNITS_ORDERED: Final = "units_ordered"
VALUE_ORDERED: Final = "value_ordered"
GAP_DAYS: Final = "gap_days"
_CREDITED: Final = "units_credited"
_SAME: Final = (c.CUSTOMER_ID, c.ITEM_ID, c.PRICE)  # what a credit note and the order behind it have in common


def orders(events: ibis.Table, as_of: AsOf) -> ibis.Table:
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


def order_lines(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """One row per order and item, also of undone orders: what was ordered, and what is left of it.

    Columns: customer_id, order_id, item_id, ordered_at, units_ordered, value_ordered, units, value, items (1 where any
    unit is left), discount and revenue (of the whole order), is_undone (the whole order was refunded or cancelled).
    """
    lines = _standing(events, as_of)
    credited = _credited(lines, _credit_notes(events, as_of))
    key = [c.CUSTOMER_ID, c.ORDER_ID, c.ITEM_ID]
    lines = lines.left_join(credited.drop(VALUE), key).drop(*(f"{name}_right" for name in key))
    units = lines[c.UNITS] - lines[_CREDITED].coalesce(0.0)
    share = ibis.ifelse(lines[UNITS_ORDERED] > 0, units / lines[UNITS_ORDERED], 0.0)
    has_item = lines[c.ITEM_ID].notnull() & (units > 0)
    return lines.mutate(
        units.name(c.UNITS), (lines[VALUE_ORDERED] * share).name(VALUE), has_item.cast("int64").name(ITEMS)
    ).drop(_CREDITED)


def unlinked_refunds(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """Money given back by refunds of no known order, minus what was already subtracted from order lines.

    One row per customer_id, with its value.
    """
    refunds, lines = _refunds_of_unknown_orders(events, as_of), _standing(events, as_of)
    each = refunds.group_by(c.CUSTOMER_ID, c.MESSAGE_ID).agg(
        (refunds[c.QUANTITY] * refunds[c.PRICE]).sum().name(VALUE), refunds[c.REVENUE].max().abs().name("stated")
    )
    value = each[VALUE].coalesce(each.stated, 0.0)
    given = each.group_by(c.CUSTOMER_ID).agg(value.sum().name(VALUE))
    credited = _credited(lines, _credit_notes(events, as_of))
    lost = credited.group_by(c.CUSTOMER_ID).agg(lost=credited[VALUE].sum())
    joined = given.left_join(lost, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
    left = ibis.greatest(joined[VALUE] - joined.lost.coalesce(0.0), 0.0).round(2)
    totals = joined.select(c.CUSTOMER_ID, left.name(VALUE))
    return totals.filter(totals[VALUE] > 0)


def order_gaps(placed: ibis.Table) -> ibis.Table:
    """One row per customer and UTC day with an order: customer_id, day (a number), gap_days since the one before.

    `placed` is what `orders` gave. Several orders on one day count as one: a basket is often split. The first gap of
    a customer is null.
    """
    days = placed.select(c.CUSTOMER_ID, day=placed[ORDERED_AT].epoch_seconds() // SECONDS_PER_DAY).distinct()
    before = days.day.lag().over(ibis.window(group_by=c.CUSTOMER_ID, order_by="day"))
    return days.mutate((days.day - before).name(GAP_DAYS))


def _standing(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """Order lines less what was given back by refunds that name the order."""
    ordered, returned = _ordered(events, as_of), _returned(events, as_of)
    lines = ordered.left_join(returned, [c.ORDER_ID, c.ITEM_ID]).drop(f"{c.ORDER_ID}_right", f"{c.ITEM_ID}_right")
    lines = lines.left_join(_undone(events, as_of), c.ORDER_ID).drop(f"{c.ORDER_ID}_right")
    is_undone = lines.is_undone.coalesce(False)
    left = ibis.greatest(lines[UNITS_ORDERED] - lines.units_returned.coalesce(0.0), 0.0)
    units = ibis.ifelse(is_undone, 0.0, left)
    return lines.mutate(units.name(c.UNITS), is_undone.name("is_undone")).drop("units_returned")


def _ordered(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """What was ordered, by order and item; lines of one order may come in several events."""
    placed = events.filter(
        events[c.OCCURRED_AT] < timestamp(as_of), events[c.EVENT] == ORDER_COMPLETED, events[c.ORDER_ID].notnull()
    )
    return placed.group_by(c.CUSTOMER_ID, c.ORDER_ID, c.ITEM_ID).agg(
        placed[c.OCCURRED_AT].min().name(ORDERED_AT),
        placed[c.QUANTITY].sum().coalesce(0.0).name(UNITS_ORDERED),
        (placed[c.QUANTITY] * placed[c.PRICE]).sum().coalesce(0.0).name(VALUE_ORDERED),
        placed[c.DISCOUNT].max().abs().name(c.DISCOUNT),
        placed[c.REVENUE].max().name(c.REVENUE),
    )


def _returned(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    refunds = events.filter(
        events[c.OCCURRED_AT] < timestamp(as_of), events[c.EVENT] == ORDER_REFUNDED, events[c.ITEM_ID].notnull()
    )
    return refunds.group_by(c.ORDER_ID, c.ITEM_ID).agg(units_returned=refunds[c.QUANTITY].sum())


def _undone(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    wholly = (events[c.EVENT] == ORDER_CANCELLED) | ((events[c.EVENT] == ORDER_REFUNDED) & events[c.ITEM_ID].isnull())
    undone = events.filter(events[c.OCCURRED_AT] < timestamp(as_of), wholly, events[c.ORDER_ID].notnull())
    return undone.select(c.ORDER_ID).distinct().mutate(is_undone=ibis.literal(True))


def _refunds_of_unknown_orders(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    past = events.filter(events[c.OCCURRED_AT] < timestamp(as_of))
    known = past.filter(past[c.EVENT] == ORDER_COMPLETED).select(c.ORDER_ID).distinct()
    return past.filter(past[c.EVENT] == ORDER_REFUNDED).anti_join(known, c.ORDER_ID)


def _credit_notes(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """Units that refunds of no known order gave back, by customer, item and price, and when last."""
    noted = _refunds_of_unknown_orders(events, as_of).filter(ibis._[c.ITEM_ID].notnull(), ibis._[c.QUANTITY] > 0)
    totals = {"units_noted": noted[c.QUANTITY].sum(), "noted_at": noted[c.OCCURRED_AT].max()}
    return noted.mutate(noted[c.PRICE].round(2).name(c.PRICE)).group_by(*_SAME).agg(**totals)


def _credited(lines: ibis.Table, notes: ibis.Table) -> ibis.Table:
    """Units and value that credit notes subtract from each of the customer's orders, the latest orders first."""
    price = (lines[VALUE_ORDERED] / lines[UNITS_ORDERED]).round(2)
    own = lines.mutate(price.name(c.PRICE)).inner_join(notes, _SAME)
    own = own.filter(own[ORDERED_AT] <= own.noted_at, own.units > 0)
    latest_first = ibis.cumulative_window(group_by=_SAME, order_by=[own[ORDERED_AT].desc(), own[c.ORDER_ID]])
    later = own.units.sum().over(latest_first) - own.units
    taken = ibis.greatest(ibis.least(own.units_noted - later, own.units), 0.0)
    value = own[VALUE_ORDERED] * taken / own[UNITS_ORDERED]
    credited = own.select(c.CUSTOMER_ID, c.ORDER_ID, c.ITEM_ID, taken.name(_CREDITED), value.name(VALUE))
    return credited.filter(credited[_CREDITED] > 0)
