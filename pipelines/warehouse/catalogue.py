"""The catalogue of all items, merged from the rows of catalogue files and from what events stated last."""

from datetime import datetime
from typing import Final

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED

_NOT_DESCRIBED: Final = (c.ITEM_ID, c.STOCK, c.UPDATED_AT)  # stock changes too often for its history to be kept
_STATED_BY_EVENTS: Final = (c.ITEM_NAME, c.ITEM_CATEGORY, c.ITEM_BRAND, c.PRICE)


def latest_items(*tables: ibis.Table) -> ibis.Table:
    """The union of tables of `columns.CATALOGUE`: for each item the whole row that was updated last."""
    complete = [with_attributes(table) for table in tables]
    everything = ibis.union(*complete) if len(complete) > 1 else complete[0]
    others = [everything[name] for name in c.CATALOGUE.names if name not in (c.ITEM_ID, c.UPDATED_AT)]
    rank = ibis.row_number().over(group_by=c.ITEM_ID, order_by=[everything[c.UPDATED_AT].desc(), *others])
    return everything.mutate(place=rank).filter(ibis._.place == 0).drop("place").order_by(c.ITEM_ID)


def descriptions(*tables: ibis.Table) -> ibis.Table:
    """Of tables of `columns.CATALOGUE`, the rows that changed an item's description, without stock.

    A row that tells what the row before it told is left out, so that a file of every day adds nothing.
    """
    rows = ibis.union(*(with_attributes(table) for table in tables)).mutate(**{c.STOCK: ibis.null("float64")})
    described = [name for name in c.CATALOGUE.names if name not in _NOT_DESCRIBED]
    by_time = ibis.window(group_by=c.ITEM_ID, order_by=[c.UPDATED_AT, *described])
    number = ibis.row_number().over(by_time)
    changes = [~rows[name].identical_to(rows[name].lag().over(by_time)) for name in described]
    changed = rows.mutate(is_change=(number == 0) | ibis.or_(*changes))
    return changed.filter(changed.is_change).select(*c.CATALOGUE.names)


def catalogue_before(told: ibis.Table, lines: ibis.Table, before: datetime) -> ibis.Table:
    """`columns.CATALOGUE` as it was known before that time; `told` are rows of catalogue files, several for an item.

    Each item has the row that was told last, and what it lacks from what events stated. The stock is null where it was
    told again since. An item that was neither told nor seen before is not there.
    """
    cut = ibis.literal(before)
    earlier = latest_items(told.filter(told[c.UPDATED_AT].isnull() | (told[c.UPDATED_AT] < cut)))
    return merged_catalogue(earlier, catalogue_of_events(lines.filter(lines[c.OCCURRED_AT] < cut)))


def catalogue_of_events(lines: ibis.Table) -> ibis.Table:
    """Every item of a product line with the latest value of each field; returns and cancellations state nothing."""
    products = lines.filter(ibis._[c.ITEM_ID].notnull())
    is_statement = ibis.or_(products[c.EVENT].isnull(), products[c.EVENT].notin((ORDER_REFUNDED, ORDER_CANCELLED)))
    last = {name: _latest_value(products, name, is_statement) for name in _STATED_BY_EVENTS}
    return products.group_by(c.ITEM_ID).agg(**last, **{c.UPDATED_AT: products[c.OCCURRED_AT].max()})


def merged_catalogue(file_items: ibis.Table, event_items: ibis.Table) -> ibis.Table:
    """`columns.CATALOGUE` of every item of either table; field by field, the catalogue file takes precedence."""
    missing = {c.STOCK: ibis.null("float64"), c.AVAILABLE_FROM: ibis.null("timestamp('UTC', 6)")}
    event_items = with_attributes(event_items.mutate(**missing))
    joined = with_attributes(file_items).outer_join(event_items, c.ITEM_ID, rname="{name}_of_events")
    chosen = {name: ibis.coalesce(joined[name], joined[f"{name}_of_events"]) for name in c.CATALOGUE.names}
    return joined.select(**chosen).order_by(c.ITEM_ID)


def with_attributes(table: ibis.Table) -> ibis.Table:
    """`columns.CATALOGUE`; the attributes are null where an older table has no such column."""
    complete = table if c.ATTRIBUTES in table.columns else table.mutate(**{c.ATTRIBUTES: ibis.null("string")})
    return complete.select(*c.CATALOGUE.names)


def _latest_value(products: ibis.Table, name: str, is_statement: ibis.Value) -> ibis.Value:
    value = products[name]
    is_stated = is_statement & (value > 0 if name == c.PRICE else value.notnull())
    # Of several values at one instant the greatest, so that the answer does not depend on the order of the rows.
    return value.argmax(ibis.struct({"at": products[c.OCCURRED_AT], "value": value}), where=is_stated)
