"""What was given back of orders whose id is named: units, money, or the whole order.

A refund that names products gives back their units; one that states an amount and no products gives back money, and
the units stay sold; one with neither, and every cancellation, undoes the order. Of each order, the refunds of one
source count: a trusted one before a page, then the first. A refund that is sent again has the same time, and counts
once; rows of a table each count. A page gives back only what a page has sold.
"""

from typing import Final

import ibis
from ibis import Value

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED
from pipelines.features.as_of import AsOf, timestamp
from pipelines.features.order_statements import is_of_page, is_of_table

UNITS_RETURNED: Final = "units_returned"
UNITS_BY_PAGE: Final = "units_by_page"  # whether a page gave them back
MONEY_RETURNED: Final = "money_returned"
MONEY_BY_PAGE: Final = "money_by_page"
UNDONE_BY_SHOP: Final = "undone_by_shop"  # the whole order was given back or cancelled
UNDONE_BY_PAGE: Final = "undone_by_page"
_ONE_REFUND: Final = (c.OCCURRED_AT, "sending")


def returned_units(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """Units given back before `as_of`: order_id, item_id, units_returned, units_by_page."""
    refunds = _of_one_source(_returns(events, as_of))
    named = refunds.filter(refunds[c.EVENT] == ORDER_REFUNDED, refunds[c.ITEM_ID].notnull())
    key = (c.ORDER_ID, c.ITEM_ID)
    sent = named.group_by(*key, *_ONE_REFUND, c.MESSAGE_ID).agg(
        named[c.QUANTITY].sum().name(c.QUANTITY), is_of_page(named).max().name(UNITS_BY_PAGE)
    )
    once = sent.group_by(*key, *_ONE_REFUND).agg(
        sent[c.QUANTITY].max().name(c.QUANTITY), sent[UNITS_BY_PAGE].max().name(UNITS_BY_PAGE)
    )
    return once.group_by(*key).agg(
        once[c.QUANTITY].sum().name(UNITS_RETURNED), once[UNITS_BY_PAGE].max().name(UNITS_BY_PAGE)
    )


def returned_orders(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """Money and whole orders given back before `as_of`, by refunds without products and cancellations.

    One row per order_id: money_returned, money_by_page, undone_by_shop, undone_by_page.
    """
    returns = _of_one_source(_returns(events, as_of))
    is_cancelled = returns[c.EVENT] == ORDER_CANCELLED
    without_items = returns.filter(is_cancelled | returns[c.ITEM_ID].isnull())
    amount = without_items[c.REVENUE].abs().coalesce(0.0)
    undoes = (without_items[c.EVENT] == ORDER_CANCELLED) | (amount == 0.0)
    by_page = is_of_page(without_items)
    once = without_items.group_by(c.ORDER_ID, *_ONE_REFUND).agg(
        ibis.ifelse(undoes, 0.0, amount).max().name(MONEY_RETURNED),
        (by_page & ~undoes).max().name(MONEY_BY_PAGE),
        (undoes & ~by_page).max().name(UNDONE_BY_SHOP),
        (undoes & by_page).max().name(UNDONE_BY_PAGE),
    )
    flags = (MONEY_BY_PAGE, UNDONE_BY_SHOP, UNDONE_BY_PAGE)
    return once.group_by(c.ORDER_ID).agg(
        once[MONEY_RETURNED].sum().round(2).name(MONEY_RETURNED), *(once[flag].max().name(flag) for flag in flags)
    )


def counts(by_page: Value, order_is_of_page: Value) -> Value:
    """Whether something that was given back counts: a page cannot give back what the shop itself has sold."""
    return ~by_page | order_is_of_page


def _returns(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    is_return = events[c.EVENT].isin((ORDER_REFUNDED, ORDER_CANCELLED))
    return events.filter(events[c.OCCURRED_AT] < timestamp(as_of), is_return, events[c.ORDER_ID].notnull())


def _of_one_source(returns: ibis.Table) -> ibis.Table:
    """The refunds of the source that counts, and all cancellations: an order is cancelled once, whoever tells it.

    What is sent again has the same `sending`, a row of a table its own.
    """
    order = [is_of_page(returns), returns[c.OCCURRED_AT], returns[c.SOURCE]]
    own = ibis.window(group_by=[c.ORDER_ID, c.EVENT], order_by=order, following=None, preceding=None)
    found = returns.mutate(
        chosen=returns[c.SOURCE].first().over(own),
        sending=ibis.ifelse(is_of_table(returns), returns[c.MESSAGE_ID], ""),
    )
    return found.filter((found[c.SOURCE] == found.chosen) | (found[c.EVENT] == ORDER_CANCELLED))
