"""The wire format of Segment's HTTP tracking spec, reduced to the fields that are read; unknown fields are ignored.

Sources: Segment's spec pages "Common Fields" and "E-commerce v2"; RudderStack's HTTP API (`originalTimestamp` instead
of `timestamp`, `context.sessionId`). Fields that are not named here (addresses, user agents) are never stored.
"""

from datetime import datetime
from typing import Any

import msgspec

Id = str | int | None


class Product(msgspec.Struct, gc=False, frozen=True):
    """One product of an event; `price` is per unit."""

    product_id: Id = None
    sku: Id = None
    id: Id = None  # e-commerce v1
    name: str | None = None
    category: str | None = None
    brand: str | None = None
    price: float | None = None
    quantity: float | None = None


class Properties(Product, gc=False, frozen=True):
    """The properties of a track or page event: the fields of one product, of an order or of a page."""

    products: list[Product] | None = None
    order_id: Id = None
    orderId: Id = None  # e-commerce v1
    revenue: float | None = None
    total: float | None = None
    discount: float | None = None
    shipping: float | None = None
    tax: float | None = None
    coupon: str | None = None
    currency: str | None = None
    query: str | None = None
    path: str | None = None
    session_id: Id = None
    channel: str | None = None
    consent: Any = None


class Campaign(msgspec.Struct, gc=False, frozen=True):
    """The marketing campaign that brought the visit."""

    source: str | None = None
    medium: str | None = None


class Page(msgspec.Struct, gc=False, frozen=True):
    """The page on which the event happened."""

    path: str | None = None


class Device(msgspec.Struct, gc=False, frozen=True):
    """The kind of device."""

    type: str | None = None


class Location(msgspec.Struct, gc=False, frozen=True):
    """The visitor's country."""

    country: str | None = None


class Context(msgspec.Struct, gc=False, frozen=True, rename="camel"):
    """The fields of Segment's context that are read."""

    campaign: Campaign | None = None
    page: Page | None = None
    device: Device | None = None
    location: Location | None = None
    consent: Any = None  # one of the forms that `consent` reads, as are the next four
    consent_management: Any = None
    consent_mode: Any = None
    customer_privacy: Any = None
    global_privacy_control: Any = None  # true where the browser sent Sec-GPC: 1
    session_id: Id = None
    traits: msgspec.Raw = msgspec.Raw(b"")


class CommonFields(msgspec.Struct, frozen=True, rename="camel", tag_field="type"):
    """Fields that every type of event has."""

    message_id: str | None = None
    anonymous_id: Id = None
    user_id: Id = None
    timestamp: datetime | None = None
    original_timestamp: datetime | None = None
    sent_at: datetime | None = None
    received_at: datetime | None = None  # when the sender's collector received it; read from files only
    context: Context | None = None


class TrackEvent(CommonFields, frozen=True, rename="camel", tag="track"):
    """Something a person did."""

    event: str | None = None
    properties: Properties | None = None


class IdentifyEvent(CommonFields, frozen=True, rename="camel", tag="identify"):
    """Who a person is."""

    traits: msgspec.Raw = msgspec.Raw(b"")


class PageEvent(CommonFields, frozen=True, rename="camel", tag="page"):
    """A page view."""

    name: str | None = None
    properties: Properties | None = None


class ScreenEvent(CommonFields, frozen=True, rename="camel", tag="screen"):
    """A mobile page view; stored as a page."""

    name: str | None = None
    properties: Properties | None = None


class AliasEvent(CommonFields, frozen=True, rename="camel", tag="alias"):
    """Two ids belong to one person."""

    previous_id: Id = None


WireEvent = TrackEvent | IdentifyEvent | PageEvent | ScreenEvent | AliasEvent
