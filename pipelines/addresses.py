"""The e-mail address that each customer said last, for a marketing export at the moment it is made.

Addresses stay in the events: no bundle, model, log or answer of the service holds one.
"""

from typing import Final

import msgspec
import pyarrow as pa

from contracts import columns as c
from pipelines.warehouse import Warehouse

EMAIL: Final = "email"
ADDRESSES: Final = pa.schema([pa.field(c.CUSTOMER_ID, pa.string(), nullable=False), pa.field(EMAIL, pa.string())])
_IDENTIFY: Final = "identify"


class _Traits(msgspec.Struct):
    """The trait that we read; an explicit null takes an address back."""

    email: str | msgspec.UnsetType | None = msgspec.UNSET


def latest_addresses(warehouse: Warehouse) -> pa.Table:
    """One row per known customer who said an address and has not taken it back: `ADDRESSES`, by customer."""
    events = warehouse.events()
    said = events.filter(
        events[c.TYPE] == _IDENTIFY, events[c.IS_KNOWN], events[c.TRAITS].contains(f'"{EMAIL}"')
    ).select(c.CUSTOMER_ID, c.OCCURRED_AT, c.TRAITS)
    latest: dict[str, tuple[int, str]] = {}
    for batch in said.to_pyarrow().to_batches():
        times = batch[c.OCCURRED_AT].cast(pa.int64()).to_pylist()
        for customer, at, traits in zip(
            batch[c.CUSTOMER_ID].to_pylist(), times, batch[c.TRAITS].to_pylist(), strict=True
        ):
            email = _email(traits)
            if email is not None:
                # Of two at one instant the greater counts, so that the order of events does not matter.
                latest[customer] = max(latest.get(customer, (at, "")), (at, email))
    rows = sorted((customer, email) for customer, (_, email) in latest.items() if email)
    return pa.table([list(column) for column in zip(*rows, strict=True)] or [[], []], schema=ADDRESSES)


def refusing_customers(warehouse: Warehouse) -> pa.Array:
    """The ids of those whose latest word on marketing is no, also where it came after the bundle was made."""
    consent = warehouse.consent()
    said_no = consent.filter(consent[c.CONSENT_MARKETING] == False)  # noqa: E712
    return said_no.select(c.CUSTOMER_ID).to_pyarrow()[c.CUSTOMER_ID].combine_chunks()


def _email(traits: str) -> str | None:
    """The address, empty where it is taken back; None where the traits say nothing of it."""
    try:
        email = msgspec.json.decode(traits, type=_Traits).email
    except (msgspec.DecodeError, RecursionError):
        return None
    return None if email is msgspec.UNSET else (email or "").strip()
