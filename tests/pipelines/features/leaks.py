"""The leak test: what a feature function says of a moment must not depend on anything that came at or after it."""

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED, ORDER_UPDATED
from tests.worlds import day, events_table, order, view

FeatureFunction = Callable[[ibis.Table, datetime], ibis.Table]

LAST_DAY = 120
CHANNELS = ("email", "search", "social", None)
COUNTRIES = ("NO", "NZ", None)


def looks_ahead(features: FeatureFunction, events: pa.Table, as_of: datetime) -> bool:
    """True where the features of `as_of` change when everything at or after it is taken away."""
    past = events.filter(pc.less(events[c.OCCURRED_AT], pa.scalar(as_of, c.TIMESTAMP)))
    return computed(features, events, as_of) != computed(features, past, as_of)


def computed(features: FeatureFunction, events: pa.Table, as_of: datetime) -> list[list[Any]]:
    """The rows that `features` gives, in an order of their own."""
    table = features(ibis.memtable(events), as_of).to_pyarrow()
    names = sorted(table.column_names)
    rows = [[_rounded(row[name]) for name in names] for row in table.to_pylist()]
    return sorted(rows, key=repr)


def busy_world(seed: int) -> pa.Table:
    """Events of twenty customers over 120 days, of every kind that features look at, late refunds among them."""
    chance = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(20):
        customer = f"customer-{number:02d}"
        more = {c.IS_KNOWN: number % 5 != 0, c.ALLOWS_PERSONALIZATION: number % 7 != 0}
        for _ in range(chance.randint(1, 6)):
            rows += _trip(chance, customer, round(chance.uniform(0, LAST_DAY), 3), more)
    return events_table(rows)


def _trip(chance: random.Random, customer: str, at: float, more: dict[str, Any]) -> list[dict[str, Any]]:
    said = more | {c.CHANNEL: chance.choice(CHANNELS), c.COUNTRY: chance.choice(COUNTRIES), c.SESSION_ID: f"s-{at}"}
    items = {f"item-{chance.randint(0, 9)}": chance.randint(1, 4) for _ in range(chance.randint(1, 3))}
    rows = [view(customer, at - 0.02, item, event="Product Viewed", **said) for item in items]
    rows += [view(customer, at - 0.01, item, event="Product Added", **said) for item in items]
    bought = order(customer, at, items, price=chance.randint(1, 50), **said)
    rows += bought
    back_at = at + chance.uniform(0.5, 60)
    fate = chance.random()
    if fate < 0.2:
        returned = next(iter(items))
        rows.append(_back(customer, back_at, bought[0][c.ORDER_ID], more | {c.ITEM_ID: returned, c.QUANTITY: 1.0}))
    elif fate < 0.3:
        rows.append(_back(customer, back_at, bought[0][c.ORDER_ID], more))
    elif fate < 0.4:
        rows.append(_back(customer, back_at, bought[0][c.ORDER_ID], more, ORDER_CANCELLED))
    elif fate < 0.5:
        rows.append(_back(customer, back_at, "unheard-of", more | {c.REVENUE: 5.0}))
    elif fate < 0.6:
        rows.append(_back(customer, back_at, bought[0][c.ORDER_ID], more | {c.REVENUE: 0.5}))
    elif fate < 0.7:  # another sender, on another device, without the items that came last
        phone = {c.SOURCE: "api:web", c.CUSTOMER_ID: "anonymous:phone", c.IS_KNOWN: False}
        rows.append(bought[0] | phone | {c.OCCURRED_AT: day(back_at), c.MESSAGE_ID: f"again-{at}"})
    elif fate < 0.8:
        rows.append(bought[0] | {c.EVENT: ORDER_UPDATED, c.OCCURRED_AT: day(back_at), c.MESSAGE_ID: f"updated-{at}"})
    return rows


def _back(customer: str, at: float, order_id: str, more: dict[str, Any], event: str = ORDER_REFUNDED) -> dict[str, Any]:
    return {c.EVENT: event, c.OCCURRED_AT: day(at), c.CUSTOMER_ID: customer, c.ORDER_ID: order_id, **more}


def _rounded(value: Any) -> Any:
    return round(value, 9) if isinstance(value, float) else value
