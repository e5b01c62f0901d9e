"""The latest e-mail address of each customer, and the customers who refuse marketing, for exports.

Addresses stay in the events: no bundle, model, log or answer of the service contains one. The published bundle may be
older than the identities in the warehouse, and two of its customers may have become one since. Addresses and refusals
are therefore returned for the former ids of a customer, too.

Anybody can send an address with a page's key, and would get the customer's mail. So where a file or a server key has
told a customer's address, those that pages tell do not count.
"""

from typing import Final

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.customer_id import customer_id_of_user
from contracts.logs.sources import PAGE
from pipelines.warehouse import views
from pipelines.warehouse.schemas import IS_USER_ID, PERSON_ID
from pipelines.warehouse.warehouse import Warehouse

ADDRESSES: Final = pa.schema([pa.field(c.CUSTOMER_ID, pa.string(), nullable=False), pa.field(c.EMAIL, pa.string())])
_IDENTIFY: Final = "identify"


class _Traits(msgspec.Struct):
    """The e-mail trait; an explicit null withdraws the address."""

    email: str | msgspec.UnsetType | None = msgspec.UNSET


def latest_addresses(warehouse: Warehouse) -> pa.Table:
    """`ADDRESSES` of every known customer with an address that was not withdrawn, under each of their ids."""
    events = views.events(warehouse)
    identified = events.filter(
        events[c.TYPE] == _IDENTIFY, events[c.IS_KNOWN], events[c.TRAITS].contains(f'"{c.EMAIL}"')
    ).select(c.CUSTOMER_ID, c.OCCURRED_AT, c.SOURCE, c.TRAITS)
    latest: dict[str, tuple[bool, int, str]] = {}  # whether a trusted source told it, when, and the address
    for batch in identified.to_pyarrow().to_batches():
        times = batch[c.OCCURRED_AT].cast(pa.int64()).to_pylist()
        names = (c.CUSTOMER_ID, c.SOURCE, c.TRAITS)
        for at, customer, source, traits in zip(times, *(batch[name].to_pylist() for name in names), strict=True):
            email = _email(traits)
            if email is not None:
                # Of two at the same instant the greater is used, so that the order of the events makes no difference.
                told = (not source.startswith(PAGE), at, email)
                latest[customer] = max(latest.get(customer, told), told)
    current = {customer: email for customer, (_, _, email) in latest.items() if email}
    former = {old: current[new] for old, new in _former_ids(warehouse).items() if new in current}
    rows = sorted((current | former).items())
    return pa.table([list(column) for column in zip(*rows, strict=True)] or [[], []], schema=ADDRESSES)


def refusing_customers(warehouse: Warehouse) -> pa.Array:
    """Every id of the customers whose latest consent refuses marketing, also if they refused after publication."""
    consent = warehouse.consent()
    refused = consent.filter(consent[c.CONSENT_MARKETING] == False)  # noqa: E712
    refusing = refused.select(c.CUSTOMER_ID).to_pyarrow()[c.CUSTOMER_ID].combine_chunks()
    former = _former_ids(warehouse)
    now = pa.array(former.values(), pa.string())
    return pa.concat_arrays([refusing, pa.array(former, pa.string()).filter(pc.is_in(now, refusing))])


def _former_ids(warehouse: Warehouse) -> dict[str, str]:
    """The customer id that each aliased user id would have alone, and its present customer id."""
    people = warehouse.identity_map()
    joined = people.filter(people[IS_USER_ID], people[c.IS_KNOWN], people[PERSON_ID] != people[c.CUSTOMER_ID])
    pairs = joined.select(PERSON_ID, c.CUSTOMER_ID).to_pyarrow()
    own = map(customer_id_of_user, pairs[PERSON_ID].to_pylist())
    return {old: new for old, new in zip(own, pairs[c.CUSTOMER_ID].to_pylist(), strict=True) if old != new}


def _email(traits: str) -> str | None:
    """The address, empty where it is withdrawn; None where the traits have none."""
    try:
        email = msgspec.json.decode(traits, type=_Traits).email
    except (msgspec.DecodeError, RecursionError):
        return None
    return None if email is msgspec.UNSET else (email or "").strip()
