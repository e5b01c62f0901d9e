"""A store with one past and many futures: what a family knew before the cut may not depend on the future.

Customers have a user id and a device, which half of them have joined by the cut; some refused, some changed their mind.
A future changes one or more of four things after the cut: events, identity, consent and catalogue.
"""

import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import ibis
import pyarrow as pa

from contracts import columns as c
from pipelines.families.family import TrainingData, no_statements
from pipelines.warehouse.catalogue import latest_items
from tests.pipelines.campaigns.worlds import assignments
from tests.worlds import day, events_table, order, view

PARTS: Final = ("events", "identity", "consent", "catalogue")
CUT_DAY: Final = 70
CUT: Final = day(CUT_DAY)
AS_OF: Final = day(CUT_DAY + 35)
CUSTOMERS, ITEMS = 12, 6
Rows = list[dict[str, Any]]


def store(future: str | Sequence[str] = (), seed: int = 0, parameters: Any = None, **required: Any) -> TrainingData:
    """The past, and after the cut a future that differs in these parts."""
    parts = [future] if isinstance(future, str) else future
    chance = random.Random(seed)
    later = [row for part in ("events", "identity", "consent") if part in parts for row in _FUTURES[part](chance)]
    told = _told_before() + (_told_after(chance) if "catalogue" in parts else [])
    described_items = ibis.memtable(pa.Table.from_pylist(told, schema=c.CATALOGUE))
    arms = {f"u{number:02d}": "holdout" if number % 2 else "contacted" for number in range(CUSTOMERS)}
    return TrainingData(
        events=ibis.memtable(events_table([*_past(), *later])),
        catalogue=ibis.memtable(latest_items(described_items).to_pyarrow()),
        described_items=described_items,
        consent_statements=ibis.memtable(_suppressed(chance) if "consent" in parts else no_statements().to_pyarrow()),
        campaigns=ibis.memtable(assignments(arms, CUT, holdout_share=0.5)),
        as_of=AS_OF,
        parameters=parameters,
        required=required,
        threads=1,
    )


def by_user(number: int) -> dict[str, Any]:
    return {c.USER_ID: f"u{number:02d}", c.ANONYMOUS_ID: None}


def by_device(number: int) -> dict[str, Any]:
    return {c.USER_ID: None, c.ANONYMOUS_ID: f"d{number:02d}"}


def page(at: float, **more: Any) -> dict[str, Any]:
    return {c.TYPE: "page", c.OCCURRED_AT: day(at), c.CUSTOMER_ID: "", **more}


def _past() -> Rows:
    chance = random.Random(42)
    rows: Rows = []
    for number in range(CUSTOMERS):
        for who in (by_user(number), by_device(number)):
            rows += _trips(chance, who, 0, CUT_DAY, 6)
        if number % 2:  # else the device is a stranger's until the cut
            rows.append(page(CUT_DAY - 1 - number, **by_user(number) | {c.ANONYMOUS_ID: f"d{number:02d}"}))
        if number % 4 == 3:
            rows.append(page(chance.uniform(0, CUT_DAY), **by_user(number), consent_personalization=False))
    return rows


def _trips(chance: random.Random, who: dict[str, Any], first: float, last: float, count: int) -> Rows:
    rows: Rows = []
    for _ in range(count):
        at, item = round(chance.uniform(first, last - 0.5), 4), f"item-{chance.randrange(ITEMS)}"
        name = f"{who[c.USER_ID]}{who[c.ANONYMOUS_ID]}"
        rows.append(view(name, at, item, **who))
        rows += order(name, at + 0.01, {item: chance.randint(1, 3)}, price=float(chance.randint(2, 9)), **who)
    return rows


def _later_events(chance: random.Random) -> Rows:
    """Visits and orders of everybody, newcomers and a new item; a refund of an order of the past."""
    rows: Rows = []
    for number in range(CUSTOMERS + 3):
        rows += _trips(chance, by_user(number), CUT_DAY, CUT_DAY + 34, 3)
    undone = next(row[c.ORDER_ID] for row in _past() if row.get(c.ORDER_ID) and row[c.USER_ID])
    rows.append(page(CUT_DAY, type="track", event="Order Cancelled", order_id=undone, **by_user(0)))
    return [*rows, view("u01", CUT_DAY, "item-new", **by_user(1))]


def _later_links(chance: random.Random) -> Rows:
    """Devices sign in, users are aliased; nothing else happens."""
    rows = [page(CUT_DAY, **by_user(number) | {c.ANONYMOUS_ID: f"d{number:02d}"}) for number in range(0, CUSTOMERS, 2)]
    joined = chance.sample(range(CUSTOMERS), 4)
    pairs = zip(joined[::2], joined[1::2], strict=True)
    return rows + [page(CUT_DAY + 1, type="alias", previous_id=f"u{two:02d}", **by_user(one)) for one, two in pairs]


def _later_statements(chance: random.Random) -> Rows:
    """Who allowed refuses, and who refused allows."""
    return [
        page(CUT_DAY + chance.uniform(0, 30), **by_user(number), consent_personalization=number % 4 == 3)
        for number in range(CUSTOMERS)
        if number % 4 in (0, 3)
    ]


def _suppressed(chance: random.Random) -> pa.Table:
    """Refusals of analytics, in events that are not kept."""
    schema = no_statements().to_pyarrow().schema
    rows = [
        dict.fromkeys(schema.names)
        | {c.MESSAGE_ID: f"m{number}", c.SOURCE: "test", "content_hash": 0, c.CONSENT_ANALYTICS: False}
        | {c.OCCURRED_AT: day(CUT_DAY + chance.uniform(0, 30)), c.RECEIVED_AT: AS_OF, **by_user(number)}
        for number in (1, 5)
    ]
    return pa.Table.from_pylist(rows, schema=schema)


def _told_before() -> Rows:
    return [_item(number, day(3 + number), stock=5.0, price=4.0) for number in range(ITEMS)]


def _told_after(chance: random.Random) -> Rows:
    """Other descriptions and stocks of half of the items, and new items."""
    changed = [
        _item(number, day(CUT_DAY + chance.uniform(0, 0.9)), stock=0.0, price=9.0, available_from=AS_OF)
        for number in range(0, ITEMS, 2)
    ]
    return changed + [_item(number, CUT, stock=1.0) for number in range(ITEMS, ITEMS + 2)]


def _item(number: int, at: datetime, **more: Any) -> dict[str, Any]:
    told = {c.ITEM_ID: f"item-{number}", c.ITEM_CATEGORY: f"category-{at:%d}", c.UPDATED_AT: at}
    return dict.fromkeys(c.CATALOGUE.names) | told | {c.ATTRIBUTES: f'{{"colour": "{at:%H}"}}'} | more


_FUTURES: Final = {"events": _later_events, "identity": _later_links, "consent": _later_statements}
