"""All ids of one person, from any of them."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

import ibis
import orjson

from contracts import columns as c
from contracts.customer_id import ANONYMOUS_PREFIX, user_id_of
from contracts.privacy.erasable import Person
from pipelines.warehouse.schemas import PERSON_ID
from pipelines.warehouse.warehouse import Warehouse

_IDENTIFY = "identify"


def find_person(warehouse: Warehouse, given: Collection[str], until: datetime) -> Person:
    """Everybody's ids that the warehouse links with the given ids, customer ids or e-mail addresses."""
    asked = {each.strip() for each in given}
    asked |= {user_id_of(each) for each in asked} | {each.removeprefix(ANONYMOUS_PREFIX) for each in asked}
    people = warehouse.identity_map()
    known = asked | _ids_with_address(warehouse, asked)
    is_asked = people[PERSON_ID].isin(sorted(known)) | people[c.CUSTOMER_ID].isin(sorted(known))
    customers = people.filter(is_asked).select(c.CUSTOMER_ID).distinct()
    linked = people.semi_join(customers, c.CUSTOMER_ID).select(PERSON_ID).to_pyarrow()[PERSON_ID].to_pylist()
    ids = known.union(linked)
    return Person(frozenset(ids | _addresses(warehouse, ids)), until)


def events_of(lines: ibis.Table, person: Person) -> ibis.Value:
    """Which event lines, or consent statements, are the person's own, and not later than the erasure."""
    ids = sorted(person.ids)
    is_own = lines[c.USER_ID].isin(ids) | (lines[c.USER_ID].isnull() & lines[c.ANONYMOUS_ID].isin(ids))
    if c.TRAITS in lines.columns:
        is_own |= lines[c.PREVIOUS_ID].isin(ids)
        for address in addresses_in(ids):
            is_own |= lines[c.TRAITS].lower().contains(f'"{address.lower()}"')
    until = ibis.literal(person.until)
    return (is_own & ((lines[c.OCCURRED_AT] <= until) | (lines[c.RECEIVED_AT] <= until))).fill_null(False)


def addresses_in(ids: Iterable[str]) -> list[str]:
    """Those of the ids that are e-mail addresses."""
    return [each for each in ids if "@" in each]


def _ids_with_address(warehouse: Warehouse, asked: Collection[str]) -> set[str]:
    """The ids of events that state one of the asked e-mail addresses."""
    lines = warehouse.lines()
    stated = lines[c.TYPE] == _IDENTIFY
    found: set[str] = set()
    for address in addresses_in(asked):
        rows = lines.filter(stated & lines[c.TRAITS].lower().contains(f'"{address.lower()}"'))
        for row in rows.select(c.USER_ID, c.ANONYMOUS_ID).distinct().to_pyarrow().to_pylist():
            found.add(row[c.USER_ID] or row[c.ANONYMOUS_ID])
    return found


def _addresses(warehouse: Warehouse, ids: Collection[str]) -> set[str]:
    """The e-mail addresses that the person's own events state."""
    lines = warehouse.lines()
    known = sorted(ids)
    is_own = lines[c.USER_ID].isin(known) | (lines[c.USER_ID].isnull() & lines[c.ANONYMOUS_ID].isin(known))
    traits = lines.filter(is_own, lines[c.TRAITS].notnull()).select(c.TRAITS).distinct().to_pyarrow()[c.TRAITS]
    return {email for text in traits.to_pylist() if (email := _email(text))}


def _email(traits: str) -> str | None:
    try:
        told: Any = orjson.loads(traits)
    except orjson.JSONDecodeError:
        return None
    email = told.get(c.EMAIL) if isinstance(told, dict) else None
    return email.strip() or None if isinstance(email, str) else None
