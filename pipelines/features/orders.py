"""Orders as they stand at a point in time: what was bought, less what was given back or cancelled by then.

What was ordered is told by `pipelines.features.order_statements`, what was given back by `pipelines.features.refunds`.
An order with nothing left does not count, be it that its units or that its money was given back.

Many shops use separate numbers for credit notes, so that the refund's order id is unknown. The units that it gives
back are taken from the customer's own orders of that item at that price, the latest first, as far as they were placed
before the last of such refunds. What else they gave back undoes no order; `unlinked_refunds` says how much it is.
"""

from typing import Final

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_COMPLETED, ORDER_REFUNDED, ORDER_UPDATED
from contracts.time_units import SECONDS_PER_DAY
from pipelines.features.as_of import AsOf, timestamp
from pipelines.features.order_statements import IS_OF_PAGE, ORDERED_AT, UNITS_ORDERED, VALUE_ORDERED, stated_lines
from pipelines.features.refunds import (
    MONEY_BY_PAGE,
    MONEY_RETURNED,
    UNDONE_BY_PAGE,
    UNDONE_BY_SHOP,
    UNITS_BY_PAGE,
    UNITS_RETURNED,
    counts,
    returned_orders,
    returned_units,
)

VALUE: Final = "value"  # money for products, after discount and refunds, without fees
ITEMS: Final = "items"  # different items
GAP_DAYS: Final = "gap_days"
IS_UNDONE: Final = "is_undone"
CREDITED: Final = "credited"
_CREDITED: Final = "units_credited"
_LEFT: Final = "share_left"  # of the order's money, after refunds by amount
_SMALLEST: Final = 0.005  # half a cent: less money than this is none
_SAME: Final = (c.CUSTOMER_ID, c.ITEM_ID, c.PRICE)  # what a credit note and the order behind it have in common
_PERSON: Final = (c.IS_KNOWN, c.ALLOWS_PERSONALIZATION)
_STANDING: Final = (
    *(c.ORDER_ID, c.CUSTOMER_ID, *_PERSON, ORDERED_AT, c.ITEM_ID, c.DISCOUNT, c.REVENUE),
    *(UNITS_ORDERED, VALUE_ORDERED, c.UNITS, IS_UNDONE, _LEFT),
)


def orders(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """One row per order of which something is left: customer_id, order_id, ordered_at, units, value, items.

    The value is the sum of quantity times price, less the order's discount in proportion to what is left; where no
    price is known, it is the revenue that the sender stated. Refunds by amount are subtracted.
    """
    return orders_with_consent(events, as_of).drop(*_PERSON)


def orders_of_consenting(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """`orders` of known customers who allow personalization.

    `events` must have the statements of all others, too: whose order it is depends on all that was said of it.
    """
    return consenting(orders_with_consent(events, as_of))


def consenting(placed: ibis.Table) -> ibis.Table:
    """The orders of known customers who allow personalization, from what `orders_with_consent` gave."""
    return placed.filter(placed[c.IS_KNOWN], placed[c.ALLOWS_PERSONALIZATION]).drop(*_PERSON)


def orders_with_consent(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """`orders`, with is_known and allows_personalization of the customer."""
    return orders_of_lines(order_lines(events, as_of))


def orders_of_lines(lines: ibis.Table) -> ibis.Table:
    """`orders_with_consent` from what `order_lines` gave."""
    whole = lines.group_by(c.CUSTOMER_ID, *_PERSON, c.ORDER_ID, ORDERED_AT, IS_UNDONE).agg(
        **{c.UNITS: lines[c.UNITS].sum(), ITEMS: lines[ITEMS].sum()},
        ordered=lines[UNITS_ORDERED].sum(),
        gross=lines[VALUE_ORDERED].sum(),
        net=lines[VALUE].sum(),
        discount=lines[c.DISCOUNT].max().coalesce(0.0),
        stated=(lines[c.REVENUE] * lines[_LEFT]).max().coalesce(0.0),
    )
    left = whole.filter(~whole[IS_UNDONE], (whole.units > 0) | (whole.ordered == 0))
    kept = ibis.ifelse(left.gross > 0, left.net / left.gross, 1.0)
    products = ibis.greatest(left.net - left.discount * kept, 0.0)
    value = ibis.ifelse(left.gross > 0, products, left.stated).round(2)
    return left.select(c.CUSTOMER_ID, *_PERSON, c.ORDER_ID, ORDERED_AT, c.UNITS, value.name(VALUE), ITEMS)


def order_lines(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """One row per order and item, also of undone orders: what was ordered, and what is left of it.

    Columns: customer_id, is_known, allows_personalization, order_id, item_id, ordered_at, units_ordered, value_ordered,
    units, value, items (1 where any unit is left), discount and revenue (of the whole order), is_undone (the whole
    order was given back or cancelled), share_left (of the order's money), credited (money that credit notes took back).
    """
    lines = _standing(events, as_of)
    credited = _credited(lines, _credit_notes(events, as_of))
    key = [c.CUSTOMER_ID, c.ORDER_ID, c.ITEM_ID]
    lines = lines.left_join(credited, key).drop(*(f"{name}_right" for name in key))
    units = lines[c.UNITS] - lines[_CREDITED].coalesce(0.0)
    share = ibis.ifelse(lines[UNITS_ORDERED] > 0, units / lines[UNITS_ORDERED], 0.0)
    has_item = lines[c.ITEM_ID].notnull() & (units > 0)
    return lines.mutate(
        units.name(c.UNITS),
        (lines[VALUE_ORDERED] * share * lines[_LEFT]).name(VALUE),
        has_item.cast("int64").name(ITEMS),
        lines[CREDITED].coalesce(0.0).name(CREDITED),
    ).drop(_CREDITED)


def unlinked_refunds(events: ibis.Table, lines: ibis.Table, as_of: AsOf) -> ibis.Table:
    """Money given back by refunds of no known order, minus what was already subtracted from order lines.

    `lines` is what `order_lines` gave. One row per customer_id, with its value.
    """
    refunds = _refunds_of_unknown_orders(events, as_of)
    each = refunds.group_by(c.CUSTOMER_ID, c.MESSAGE_ID).agg(
        (refunds[c.QUANTITY] * refunds[c.PRICE]).sum().name(VALUE), refunds[c.REVENUE].max().abs().name("stated")
    )
    value = each[VALUE].coalesce(each.stated, 0.0)
    given = each.group_by(c.CUSTOMER_ID).agg(value.sum().name(VALUE))
    lost = lines.group_by(c.CUSTOMER_ID).agg(lost=lines[CREDITED].sum())
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
    lines = stated_lines(events, as_of)
    for returned, key in (
        (returned_units(events, as_of), [c.ORDER_ID, c.ITEM_ID]),
        (returned_orders(events, as_of), [c.ORDER_ID]),
    ):
        lines = lines.left_join(returned, key).drop(*(f"{name}_right" for name in key))
    is_of_page = lines[IS_OF_PAGE]
    back = ibis.ifelse(counts(lines[UNITS_BY_PAGE], is_of_page), lines[UNITS_RETURNED], 0.0).coalesce(0.0)
    money = ibis.ifelse(counts(lines[MONEY_BY_PAGE], is_of_page), lines[MONEY_RETURNED], 0.0).coalesce(0.0)
    undone = (lines[UNDONE_BY_SHOP] | (lines[UNDONE_BY_PAGE] & is_of_page)).coalesce(False)
    units = ibis.greatest(lines[UNITS_ORDERED] - back, 0.0)
    lines = _less_money(lines.mutate(units.name(c.UNITS), money.name(MONEY_RETURNED), undone.name(IS_UNDONE)))
    is_undone = lines[IS_UNDONE] | (lines[_LEFT] == 0.0)
    left = ibis.ifelse(is_undone, 0.0, lines[c.UNITS])
    return lines.mutate(left.name(c.UNITS), is_undone.name(IS_UNDONE)).select(*_STANDING)


def _less_money(lines: ibis.Table) -> ibis.Table:
    """The lines with the share of their order's money that refunds by amount have left; 0 where nothing is left."""
    own = ibis.window(group_by=c.ORDER_ID)
    share = ibis.ifelse(lines[UNITS_ORDERED] > 0, lines[c.UNITS] / lines[UNITS_ORDERED], 0.0)
    gross, net = lines[VALUE_ORDERED].sum().over(own), (lines[VALUE_ORDERED] * share).sum().over(own)
    discount = lines[c.DISCOUNT].max().over(own).coalesce(0.0)
    stated = lines[c.REVENUE].max().over(own).coalesce(0.0)
    products = ibis.greatest(net - discount * net / gross, 0.0)
    worth = ibis.ifelse(gross > 0, products, stated)
    returned = lines[MONEY_RETURNED]
    left = ibis.ifelse(worth - returned < _SMALLEST, 0.0, 1.0 - returned / worth.nullif(0.0))
    return lines.mutate(ibis.ifelse(returned > 0, left, 1.0).name(_LEFT))


def _refunds_of_unknown_orders(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    past = events.filter(events[c.OCCURRED_AT] < timestamp(as_of))
    tells = past[c.EVENT].isin((ORDER_COMPLETED, ORDER_UPDATED))
    known = past.filter(tells).select(c.ORDER_ID).distinct()
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
    credited = own.select(c.CUSTOMER_ID, c.ORDER_ID, c.ITEM_ID, taken.name(_CREDITED), value.name(CREDITED))
    return credited.filter(credited[_CREDITED] > 0)
