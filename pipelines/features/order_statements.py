"""What was ordered: one statement for each order id, whoever sent it, however often, under whatever identity.

Several senders may tell one order: the thank-you page, which may be loaded again, the shop's server, an export. Of
each order one source counts: a trusted one before a page, a statement with items before one without, then the first.
Within it, the last event that names an item tells how many of it were ordered. Rows of a table (CSV, Parquet) have one
line of an order each, so they add up; so do events of a JSON file that have one line each, at one instant, and state
no revenue. The last `Order Updated` with products replaces all that was said before; that of a page replaces only
what no trusted source has told.

The customer is the first known one of these statements. An order was placed at its first `Order Completed`.
"""

from collections.abc import Sequence
from typing import Final

import ibis
from ibis import Value

from contracts import columns as c
from contracts.events.names import ORDER_COMPLETED, ORDER_UPDATED
from contracts.logs.sources import JSON_FILE, PAGE, SERVER
from pipelines.features.as_of import AsOf, timestamp

ORDERED_AT: Final = "ordered_at"
UNITS_ORDERED: Final = "units_ordered"
PRICED_UNITS: Final = "priced_units"  # of those ordered
VALUE_ORDERED: Final = "value_ordered"  # of the priced units
IS_OF_PAGE: Final = "is_of_page"  # nobody but a page has told the order

_PERSON: Final = (c.CUSTOMER_ID, c.IS_KNOWN, c.ALLOWS_PERSONALIZATION)
_OF_ORDER: Final = (c.ORDER_ID, ORDERED_AT, IS_OF_PAGE)
_CHOSEN: Final = "chosen_source"
_UPDATED_AT: Final = "updated_at"
_HAS_LISTS: Final = "has_lists"
_STATEMENT: Final = "statement"


def stated_lines(events: ibis.Table, as_of: AsOf) -> ibis.Table:
    """One row per order and item, as stated before `as_of`; item_id is null for what was ordered without an item.

    Columns: order_id, customer_id, is_known, allows_personalization, ordered_at, is_of_page, item_id, units_ordered,
    priced_units, value_ordered, and, of the whole order as stated, discount (positive) and revenue. Where the events
    have no customers, customer_id, is_known and allows_personalization are left out.
    """
    is_update = events[c.EVENT] == ORDER_UPDATED
    tells = (events[c.EVENT] == ORDER_COMPLETED) | (is_update & events[c.ITEM_ID].notnull())
    past = events.filter(events[c.OCCURRED_AT] < timestamp(as_of), tells, events[c.ORDER_ID].notnull())
    person = [name for name in _PERSON if name in past.columns]
    lines = past.drop(*person).inner_join(_orders(past, person), c.ORDER_ID)
    is_last_update = (lines[c.EVENT] == ORDER_UPDATED) & (lines[c.OCCURRED_AT] == lines[_UPDATED_AT])
    may_update = ~is_of_page(lines) | lines[IS_OF_PAGE]
    is_chosen = lines[c.SOURCE] == lines[_CHOSEN]
    counts = ibis.ifelse(lines[_UPDATED_AT].isnull(), is_chosen, is_last_update & may_update)
    counted = lines.filter(counts)
    return _as_stated_last(counted.mutate(_statement(counted).name(_STATEMENT)), (*_OF_ORDER, *person, c.ITEM_ID))


def is_of_page(events: ibis.Table) -> Value:
    """Whether a row came with a page key, which anybody can read in the page."""
    return events[c.SOURCE].startswith(PAGE)


def is_of_table(events: ibis.Table) -> Value:
    """Whether a row is of a CSV or Parquet file, where each row is one line of an order."""
    source = events[c.SOURCE]
    return ~(source.startswith(PAGE) | source.startswith(SERVER) | (source == JSON_FILE))


def _orders(past: ibis.Table, person: Sequence[str]) -> ibis.Table:
    """What holds for each order: `_OF_ORDER`, `person`, the source that counts, and when it was updated last."""
    at, source, of_page = past[c.OCCURRED_AT], past[c.SOURCE], is_of_page(past)
    is_update = past[c.EVENT] == ORDER_UPDATED
    choice = ibis.struct({"p": of_page, "u": is_update, "n": past[c.ITEM_ID].isnull(), "t": at, "s": source})
    found = past.group_by(c.ORDER_ID).agg(
        *([_first_known(past).name("first")] if person else []),
        choice.min().name("choice"),
        of_page.min().name(IS_OF_PAGE),
        ((past[c.SOURCE] == JSON_FILE) & (past[c.LINE] > 0)).max().name(_HAS_LISTS),
        trusted_at=at.min(where=~of_page & ~is_update),
        completed_at=at.min(where=~is_update),
        first_at=at.min(),
        trusted_update=at.max(where=is_update & ~of_page),
        update=at.max(where=is_update),
    )
    updated_at = ibis.ifelse(found[IS_OF_PAGE], found.update, found.trusted_update)
    return found.mutate(
        ibis.coalesce(found.trusted_at, found.completed_at, found.first_at).name(ORDERED_AT),
        updated_at.name(_UPDATED_AT),
        found.choice["s"].name(_CHOSEN),
        **(_person(found.first) if person else {}),
    ).select(*_OF_ORDER, *person, _CHOSEN, _UPDATED_AT, _HAS_LISTS)


def _first_known(past: ibis.Table) -> Value:
    """The first known customer of the rows; of a trusted source before a page."""
    # The least struct, and not `argmin` by one: that sorts the rows of each group.
    fields = {
        "is_unknown": ~past[c.IS_KNOWN],
        "is_of_page": is_of_page(past),
        "at": past[c.OCCURRED_AT],
        c.CUSTOMER_ID: past[c.CUSTOMER_ID],
        c.ALLOWS_PERSONALIZATION: past[c.ALLOWS_PERSONALIZATION],
    }
    return ibis.struct(fields).min()


def _person(first: Value) -> dict[str, Value]:
    return {
        c.CUSTOMER_ID: first[c.CUSTOMER_ID],
        c.IS_KNOWN: ~first["is_unknown"],
        c.ALLOWS_PERSONALIZATION: first[c.ALLOWS_PERSONALIZATION],
    }


def _statement(lines: ibis.Table) -> Value:
    """What the quantities of a row add up with: the rows of its event, of its table, or of its instant in a file."""
    is_bare = (lines[c.SOURCE] == JSON_FILE) & lines[c.REVENUE].isnull() & ~lines[_HAS_LISTS]
    instant = lines[c.OCCURRED_AT].cast("string")
    return ibis.cases((is_of_table(lines), lines[c.SOURCE]), (is_bare, instant), else_=lines[c.MESSAGE_ID])


def _as_stated_last(lines: ibis.Table, order_and_item: Sequence[str]) -> ibis.Table:
    """One row per order and item, of the last statement that names the item."""
    quantity, price = lines[c.QUANTITY], lines[c.PRICE]
    said = lines.group_by(*order_and_item, _STATEMENT).agg(
        quantity.sum().coalesce(0.0).name(UNITS_ORDERED),
        quantity.sum(where=price.notnull()).coalesce(0.0).name(PRICED_UNITS),
        (quantity * price).sum().coalesce(0.0).name(VALUE_ORDERED),
        lines[c.DISCOUNT].abs().max().name(c.DISCOUNT),
        lines[c.REVENUE].max().name(c.REVENUE),
        at=lines[c.OCCURRED_AT].max(),
        received_at=lines[c.RECEIVED_AT].max(),
    )
    stated = (UNITS_ORDERED, PRICED_UNITS, VALUE_ORDERED, c.DISCOUNT, c.REVENUE)
    fields = {name: said[name] for name in ("at", "received_at", _STATEMENT, *stated)}
    last = said.group_by(*order_and_item).agg(last=ibis.struct(fields).max())
    return last.select(*order_and_item, *(last["last"][name].name(name) for name in stated))
