"""The event format: Segment's HTTP tracking spec, with one validation for files and HTTP.

`parse_event` turns one JSON object into a checked `Event`; `event_rows` turns an `Event` into rows of
`columns.EVENT_LINES`. Unknown fields are ignored, as the spec asks. Track events with unknown
names are refused, because no model could use them.

The names are those of Segment's e-commerce spec v2, with the v1 names as aliases.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from contracts.errors import InvalidEvent
from contracts.segment_spec import (
    AliasEvent,
    Campaign,
    Context,
    Id,
    IdentifyEvent,
    PageEvent,
    Product,
    Properties,
    ScreenEvent,
    TrackEvent,
    WireEvent,
)
from contracts.validation.bounds import MAX_DEPTH, MAX_MONEY, MAX_UNITS, is_too_deep

MAX_EVENT_BYTES: Final = 32 * 1024  # Segment's limit per event
MAX_ID_CHARS: Final = 200
MAX_TEXT_CHARS: Final = 1000
EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
CLOCK_TOLERANCE: Final = timedelta(hours=48)

PRODUCT_VIEWED: Final = "Product Viewed"
PRODUCT_CLICKED: Final = "Product Clicked"
PRODUCT_ADDED: Final = "Product Added"
PRODUCT_REMOVED: Final = "Product Removed"
ORDER_COMPLETED: Final = "Order Completed"
ORDER_REFUNDED: Final = "Order Refunded"
ORDER_CANCELLED: Final = "Order Cancelled"

EVENT_NAMES: Final = (
    "Products Searched",
    "Product List Viewed",
    "Product List Filtered",
    "Promotion Viewed",
    "Promotion Clicked",
    PRODUCT_CLICKED,
    PRODUCT_VIEWED,
    PRODUCT_ADDED,
    PRODUCT_REMOVED,
    "Cart Viewed",
    "Cart Shared",
    "Checkout Started",
    "Checkout Step Viewed",
    "Checkout Step Completed",
    "Payment Info Entered",
    ORDER_COMPLETED,
    "Order Updated",
    ORDER_REFUNDED,
    ORDER_CANCELLED,
    "Coupon Entered",
    "Coupon Applied",
    "Coupon Denied",
    "Coupon Removed",
    "Product Added to Wishlist",
    "Product Removed from Wishlist",
    "Wishlist Product Added to Cart",
    "Product Shared",
    "Product Reviewed",
)
V1_ALIASES: Final = {
    "Viewed Product Category": "Product List Viewed",
    "Viewed Promotion": "Promotion Viewed",
    "Clicked Promotion": "Promotion Clicked",
    "Viewed Product": PRODUCT_VIEWED,
    "Clicked Product": PRODUCT_CLICKED,
    "Added Product": PRODUCT_ADDED,
    "Removed Product": PRODUCT_REMOVED,
    "Viewed Cart": "Cart Viewed",
    "Started Checkout": "Checkout Started",
    "Viewed Checkout Step": "Checkout Step Viewed",
    "Completed Checkout Step": "Checkout Step Completed",
    "Entered Payment Info": "Payment Info Entered",
    "Completed Order": ORDER_COMPLETED,
    "Updated Order": "Order Updated",
    "Refunded Order": ORDER_REFUNDED,
    "Cancelled Order": ORDER_CANCELLED,
    "Searched Products": "Products Searched",
    "Added Product to Wishlist": "Product Added to Wishlist",
    "Reviewed Product": "Product Reviewed",
}
# Events that need an item.
NEEDS_ITEM: Final = frozenset({PRODUCT_VIEWED, PRODUCT_CLICKED, PRODUCT_ADDED, PRODUCT_REMOVED})
NEEDS_ORDER_ID: Final = frozenset({ORDER_COMPLETED, ORDER_REFUNDED, ORDER_CANCELLED})

EventRow = tuple[Any, ...]  # the columns of `columns.EVENT_LINES`, in their order

_decode: Final = msgspec.json.Decoder(WireEvent, strict=False).decode


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event that passed every check; times are UTC, the name is canonical."""

    message_id: str
    occurred_at: datetime
    anonymous_id: str | None
    user_id: str | None
    previous_id: str | None
    name: str | None  # of a track event
    products: tuple[Product, ...]
    consent: tuple[bool | None, bool | None, bool | None]  # analytics, personalization, marketing
    traits: str | None  # of an identify event, as JSON text
    wire: WireEvent

    @property
    def is_suppressed(self) -> bool:
        """True where the person refused analytics: such an event is counted and not stored."""
        return self.consent[0] is False


def parse_event(raw: bytes, received_at: datetime) -> Event:
    """Decode and check one JSON object of the event format.

    Raises InvalidEvent, whose message contains no personal data except ids and the type of the wrong value.
    """
    if len(raw) > MAX_EVENT_BYTES:
        raise InvalidEvent(
            "too_large",
            f"the event has more than {MAX_EVENT_BYTES:,} bytes, with its batch's context. Send fewer properties.",
        )
    if is_too_deep(raw):
        raise InvalidEvent(
            "too_deep", f"objects and lists are nested more than {MAX_DEPTH} deep. Send flatter properties."
        )
    wire = _decode_wire(raw)
    user_id, anonymous_id = _checked_id(wire.user_id, "userId"), _checked_id(wire.anonymous_id, "anonymousId")
    if user_id is None and anonymous_id is None:
        raise InvalidEvent("missing_identity", "neither userId nor anonymousId is given; send at least one of them.")
    checked = _CHECKS[type(wire)](wire)
    return Event(
        message_id=_checked_id(wire.message_id, "messageId") or blake2b(raw, digest_size=16).hexdigest(),
        occurred_at=_checked_time(wire, received_at),
        anonymous_id=anonymous_id,
        user_id=user_id,
        previous_id=checked.previous_id,
        name=checked.name,
        products=checked.products,
        traits=checked.traits,
        consent=_consent(wire.context),
        wire=wire,
    )


def event_rows(event: Event, received_at: datetime, source: str) -> list[EventRow]:
    """The event as rows of `columns.EVENT_LINES`: one per product, or one without an item."""
    # Rows are plain tuples: with named fields this function, which runs for every event, would take 60 % longer.
    wire = event.wire
    context = wire.context or _NO_CONTEXT
    properties = getattr(wire, "properties", None) or _NO_PROPERTIES
    campaign = context.campaign or _NO_CAMPAIGN
    head = (
        "page" if isinstance(wire, ScreenEvent) else wire.__struct_config__.tag,
        event.name,
        event.occurred_at,
        received_at,
        source,
        event.anonymous_id,
        event.user_id,
        event.previous_id,
        _text(context.session_id) or _text(properties.session_id),
        properties.channel or campaign.medium or campaign.source,
        context.location.country if context.location else None,
        context.device.type if context.device else None,
        _text(properties.order_id) or _text(properties.orderId),
        properties.currency,
        properties.revenue if properties.revenue is not None else properties.total,
        properties.discount,
        (properties.shipping or 0.0) + (properties.tax or 0.0),
        properties.coupon,
        properties.query,
        properties.path or (context.page.path if context.page else None),
    )
    tail = (*event.consent, event.traits)
    if not event.products:
        return [(event.message_id, 0, *head, None, None, None, None, None, None, *tail)]
    return [
        (event.message_id, line, *head, *_product_columns(product), *tail)
        for line, product in enumerate(event.products)
    ]


_NO_CONTEXT: Final = Context()
_NO_PROPERTIES: Final = Properties()
_NO_CAMPAIGN: Final = Campaign()
_CANONICAL_NAMES: Final = {
    **{name.casefold(): name for name in EVENT_NAMES},
    **{alias.casefold(): name for alias, name in V1_ALIASES.items()},
}
_CONSENT_PURPOSES: Final = {
    "analytics": 0,
    "personalization": 1,
    "personalisation": 1,
    "functional": 1,
    "marketing": 2,
    "advertising": 2,
}


class _Checked(NamedTuple):
    """What the check of one type of event returns."""

    name: str | None = None
    products: tuple[Product, ...] = ()
    previous_id: str | None = None
    traits: str | None = None


def _decode_wire(raw: bytes) -> WireEvent:
    try:
        wire: WireEvent = _decode(raw)
    except msgspec.ValidationError as error:
        code = "unknown_type" if str(error).endswith("`$.type`") or "field `type`" in str(error) else "wrong_type"
        allowed = "; allowed are track, identify, page, screen and alias" if code == "unknown_type" else ""
        raise InvalidEvent(code, f"{error}{allowed}. See the event format.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("malformed_json", f"not a JSON object: {error}. Send one JSON object per event.") from None
    return wire


def _check_track(wire: TrackEvent) -> _Checked:
    if not wire.event:
        raise InvalidEvent("missing_event", "a track event needs `event`, for example 'Product Viewed'.")
    name = _CANONICAL_NAMES.get(wire.event.casefold()) or _CANONICAL_NAMES.get(wire.event.casefold().replace("_", " "))
    if name is None:
        raise InvalidEvent(
            "unknown_event",
            f"{wire.event[:80]!r} is not an event of the e-commerce spec (v2 or v1); for example 'Product Viewed', "
            "'Product Added' or 'Order Completed'.",
        )
    properties = wire.properties or _NO_PROPERTIES
    products = _checked_products(properties)
    if name in NEEDS_ITEM and not products:
        raise InvalidEvent("missing_item", f"{name!r} needs `properties.product_id` (or `sku`).")
    if name in NEEDS_ORDER_ID and _text(properties.order_id) is None and _text(properties.orderId) is None:
        raise InvalidEvent("missing_order_id", f"{name!r} needs `properties.order_id`.")
    _check_amounts(properties)
    return _Checked(name=name, products=products)


def _check_alias(wire: AliasEvent) -> _Checked:
    previous_id = _checked_id(wire.previous_id, "previousId")
    if previous_id is None or _text(wire.user_id) is None:
        raise InvalidEvent("missing_identity", "an alias event needs both previousId and userId.")
    return _Checked(previous_id=previous_id)


def _check_identify(wire: IdentifyEvent) -> _Checked:
    raw = bytes(wire.traits) or (bytes(wire.context.traits) if wire.context else b"")
    try:
        return _Checked(traits=raw.decode() if raw and raw != b"null" else None)
    except UnicodeDecodeError:
        raise InvalidEvent("malformed_json", "`traits` is not UTF-8 text. Send UTF-8.") from None


def _check_page(wire: PageEvent | ScreenEvent) -> _Checked:
    _check_amounts(wire.properties or _NO_PROPERTIES)
    return _Checked()


_CHECKS: Final[dict[type, Callable[[Any], _Checked]]] = {
    TrackEvent: _check_track,
    IdentifyEvent: _check_identify,
    PageEvent: _check_page,
    ScreenEvent: _check_page,
    AliasEvent: _check_alias,
}


def _checked_products(properties: Properties) -> tuple[Product, ...]:
    if properties.products:
        products: tuple[Product, ...] = tuple(properties.products)
    elif properties.product_id is not None or properties.sku is not None or properties.id is not None:
        products = (properties,)
    else:
        return ()
    for product in products:
        if item_of(product) is None:
            raise InvalidEvent("missing_item", "a product has neither `product_id` nor `sku`; each needs one.")
        if product.price is not None and not 0.0 <= product.price <= MAX_MONEY:
            raise InvalidEvent("bad_price", f"a price is {product.price}; 0 to {MAX_MONEY:,.0f} is allowed.")
        if product.quantity is not None and not 0.0 < product.quantity <= MAX_UNITS:
            raise InvalidEvent(
                "bad_quantity",
                f"a quantity is {product.quantity}; more than 0 and at most {MAX_UNITS:,.0f} is allowed (a return is "
                "'Order Refunded').",
            )
    return products


def _check_amounts(properties: Properties) -> None:
    for field in ("revenue", "total", "discount", "shipping", "tax"):
        amount = getattr(properties, field)
        if amount is not None and not -MAX_MONEY <= amount <= MAX_MONEY:
            raise InvalidEvent(
                "bad_amount",
                f"`properties.{field}` is {amount}; {-MAX_MONEY:,.0f} to {MAX_MONEY:,.0f} is allowed.",
            )


def _checked_time(wire: WireEvent, received_at: datetime) -> datetime:
    given = wire.timestamp or wire.original_timestamp or wire.sent_at or received_at
    try:
        occurred_at = given.replace(tzinfo=UTC) if given.tzinfo is None else given.astimezone(UTC)
    except OverflowError:  # the year 9999 in a time zone west of UTC
        occurred_at = given.replace(tzinfo=UTC)
    if not EARLIEST <= occurred_at <= received_at + CLOCK_TOLERANCE:
        raise InvalidEvent(
            "bad_timestamp",
            f"the event's time is {occurred_at:%Y-%m-%dT%H:%M:%SZ}; it must lie between {EARLIEST:%Y-%m-%d} and "
            f"{CLOCK_TOLERANCE.total_seconds() / 3600:.0f} hours after it was received.",
        )
    return occurred_at


def _checked_id(value: Id, field: str) -> str | None:
    text = _text(value)
    if text is not None and len(text) > MAX_ID_CHARS:
        raise InvalidEvent("bad_id", f"{field} has {len(text)} characters; at most {MAX_ID_CHARS} are allowed.")
    return text


def _text(value: Id) -> str | None:
    """An id as text; blank means absent, as SDKs send `""` and `null` alike."""
    if value is None:
        return None
    return str(value).strip() or None


def item_of(product: Product) -> str | None:
    """The item id of a product, from whichever of the spec's fields has it."""
    return _text(product.product_id) or _text(product.sku) or _text(product.id)


def _product_columns(product: Product) -> tuple[Any, ...]:
    quantity = 1.0 if product.quantity is None else product.quantity
    return item_of(product), quantity, product.price, product.name, product.category, product.brand


def _consent(context: Context | None) -> tuple[bool | None, bool | None, bool | None]:
    if context is None or context.consent is None or not context.consent.category_preferences:
        return None, None, None
    flags: list[bool | None] = [None, None, None]
    for purpose, given in context.consent.category_preferences.items():
        index = _CONSENT_PURPOSES.get(purpose.casefold())
        if index is not None:
            # Two names for one purpose that disagree: the refusal counts.
            flags[index] = given if flags[index] is None else flags[index] and given
    return flags[0], flags[1], flags[2]
