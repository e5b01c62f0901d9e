"""The event format: Segment's HTTP tracking spec, with one validation for files and HTTP.

`parse_event` turns one JSON object into a checked `Event`. Unknown fields are ignored, as the spec asks. Track events
with unknown names are refused, because no model could use them. A fault that can be repaired is repaired and named.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final, NamedTuple

import msgspec

from contracts.errors import InvalidEvent
from contracts.events.consent import NOT_STATED, Consent, read_consent
from contracts.events.ids import checked_id, id_text, is_placeholder, item_of
from contracts.events.names import IS_ORDER, NEEDS_ITEM, NEEDS_ORDER_ID, canonical_name
from contracts.events.order_total import disagrees
from contracts.events.repair import UNREADABLE, repair_event
from contracts.events.rules import NO_RULES, EventRules
from contracts.events.spec import (
    AliasEvent,
    Id,
    IdentifyEvent,
    PageEvent,
    Product,
    Properties,
    ScreenEvent,
    TrackEvent,
    WireEvent,
)
from contracts.events.times import occurred_at
from contracts.validation.bounds import MAX_DEPTH, MAX_MONEY, MAX_UNITS, is_too_deep

MAX_EVENT_BYTES: Final = 32 * 1024  # Segment's limit per event
MAX_TEXT_CHARS: Final = 1000

_decode: Final = msgspec.json.Decoder(WireEvent, strict=False).decode
_NO_PROPERTIES: Final = Properties()
_MONEY: Final = ("price", "revenue", "total")
_UNREADABLE_TIMES: Final = tuple(f"{name}{UNREADABLE}" for name in ("timestamp", "originalTimestamp"))
_UNUSED_TYPES: Final = ("group",)  # of the tracking API, but nothing reads it


class Event(msgspec.Struct, frozen=True, gc=False):
    """One event that passed every check; times are UTC, the name is canonical."""

    message_id: str
    occurred_at: datetime
    anonymous_id: str | None
    user_id: str | None
    previous_id: str | None
    name: str | None  # of a track event
    products: tuple[Product, ...]
    consent: Consent
    traits: str | None  # of an identify event, as JSON text
    wire: WireEvent
    repairs: tuple[str, ...] = ()  # names of fields that were repaired, left out or not understood

    @property
    def is_suppressed(self) -> bool:
        """True where the person refused analytics: such an event is counted and not stored."""
        return self.consent[0] is False


def parse_event(raw: bytes, received_at: datetime, rules: EventRules = NO_RULES, *, is_live: bool = True) -> Event:
    """Decode and check one JSON object of the event format.

    `is_live`: `received_at` is when the sender's request came, so that it corrects the sender's clock. Of an event from
    a file only its own `receivedAt` does. Raises InvalidEvent, whose message contains no personal data except ids and
    the type of the wrong value.
    """
    _check_bounds(raw)
    wire, repairs = _decode_wire(raw)
    people = _People(rules, repairs)
    user_id, anonymous_id = people.id(wire.user_id, "userId"), people.id(wire.anonymous_id, "anonymousId")
    if user_id is None and anonymous_id is None:
        raise InvalidEvent("missing_identity", _missing_identity(wire))
    if not is_live and any(each in _UNREADABLE_TIMES for each in repairs):
        raise InvalidEvent("bad_timestamp", "the event's time cannot be read. Send ISO 8601.")
    checked = _CHECKS[type(wire)](wire, people)
    consent, unread = _consent(wire, rules)
    return Event(
        message_id=checked_id(wire.message_id, "messageId") or blake2b(raw, digest_size=16).hexdigest(),
        occurred_at=occurred_at(wire, received_at, is_live=is_live),
        anonymous_id=anonymous_id,
        user_id=user_id,
        previous_id=checked.previous_id,
        name=checked.name,
        products=checked.products,
        traits=checked.traits,
        consent=consent,
        wire=wire,
        repairs=(*repairs, *unread),
    )


class _Checked(NamedTuple):
    """What the check of one type of event returns."""

    name: str | None = None
    products: tuple[Product, ...] = ()
    previous_id: str | None = None
    traits: str | None = None


class _People:
    """Reads the ids of people; placeholders are nobody, and are named among the repairs."""

    def __init__(self, rules: EventRules, repairs: list[str]) -> None:
        self._more = rules.placeholder_ids
        self.repairs = repairs

    def id(self, value: Id, field: str) -> str | None:
        text = checked_id(value, field)
        if text is not None and is_placeholder(text, self._more):
            self.repairs.append(f"{field} (placeholder)")
            return None
        return text


def _check_bounds(raw: bytes) -> None:
    if len(raw) > MAX_EVENT_BYTES:
        raise InvalidEvent(
            "too_large",
            f"the event has more than {MAX_EVENT_BYTES:,} bytes, with its batch's context. Send fewer properties.",
        )
    if is_too_deep(raw):
        raise InvalidEvent(
            "too_deep", f"objects and lists are nested more than {MAX_DEPTH} deep. Send flatter properties."
        )


def _decode_wire(raw: bytes) -> tuple[WireEvent, list[str]]:
    """The event, and the names of the fields that had to be repaired."""
    try:
        try:
            return _decode(raw), []
        except msgspec.ValidationError:
            told = msgspec.json.decode(raw)
            repairs = repair_event(told)
            return msgspec.convert(told, WireEvent, strict=False), repairs
    except msgspec.ValidationError as error:
        code = "unknown_type" if str(error).endswith("`$.type`") or "field `type`" in str(error) else "wrong_type"
        allowed = "; allowed are track, identify, page, screen and alias" if code == "unknown_type" else ""
        if code == "unknown_type" and told.get("type") in _UNUSED_TYPES:
            raise InvalidEvent("unused_type", f"{told['type']} events are counted, and nothing reads them.") from None
        raise InvalidEvent(code, f"{error}{allowed}. See the event format.") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidEvent("malformed_json", f"not a JSON object: {error}. Send one JSON object per event.") from None


def _missing_identity(wire: WireEvent) -> str:
    if id_text(wire.user_id) or id_text(wire.anonymous_id):
        return "the id is a placeholder such as 'undefined' or '0', which is nobody; send the visitor's own id."
    return "neither userId nor anonymousId is given; send at least one of them."


def _check_track(wire: TrackEvent, people: _People) -> _Checked:
    if not wire.event:
        raise InvalidEvent("missing_event", "a track event needs `event`, for example 'Product Viewed'.")
    name = canonical_name(wire.event)
    if name is None:
        raise InvalidEvent(
            "unknown_event",
            f"{wire.event[:80]!r} is not an event of the e-commerce spec (v2 or v1); for example 'Product Viewed', "
            "'Product Added' or 'Order Completed'.",
        )
    properties = wire.properties or _NO_PROPERTIES
    products = _checked_products(properties, name, people.repairs)
    if name in NEEDS_ITEM and not products:
        raise InvalidEvent("missing_item", f"{name!r} needs `properties.product_id` (or `sku`).")
    if name in NEEDS_ORDER_ID:
        _check_order(properties, name, people.repairs)
    _check_amounts(properties)
    if name in IS_ORDER and disagrees(properties, products):
        people.repairs.append("properties.revenue (other than its lines)")
    return _Checked(name=name, products=products)


def _check_order(properties: Properties, name: str, repairs: list[str]) -> None:
    order_id = checked_id(id_text(properties.order_id) or id_text(properties.orderId), "properties.order_id")
    if order_id is None:
        raise InvalidEvent("missing_order_id", f"{name!r} needs `properties.order_id`.")
    if is_placeholder(order_id):
        raise InvalidEvent("missing_order_id", f"{order_id!r} is a placeholder and no order id; send the order's own.")
    unreadable = [each for each in repairs if each.endswith(tuple(f".{money}{UNREADABLE}" for money in _MONEY))]
    if unreadable:
        raise InvalidEvent(
            "bad_amount", f"{unreadable[0]}: the amount is no number, or may be read in two ways. Send a JSON number."
        )


def _check_alias(wire: AliasEvent, people: _People) -> _Checked:
    previous_id = people.id(wire.previous_id, "previousId")
    if previous_id is None or people.id(wire.user_id, "userId") is None:
        raise InvalidEvent("missing_identity", "an alias event needs both previousId and userId.")
    return _Checked(previous_id=previous_id)


def _check_identify(wire: IdentifyEvent, people: _People) -> _Checked:
    raw = bytes(wire.traits) or (bytes(wire.context.traits) if wire.context else b"")
    try:
        return _Checked(traits=raw.decode() if raw and raw != b"null" else None)
    except UnicodeDecodeError:
        raise InvalidEvent("malformed_json", "`traits` is not UTF-8 text. Send UTF-8.") from None


def _check_page(wire: PageEvent | ScreenEvent, people: _People) -> _Checked:
    _check_amounts(wire.properties or _NO_PROPERTIES)
    return _Checked()


_CHECKS: Final[dict[type, Callable[[Any, _People], _Checked]]] = {
    TrackEvent: _check_track,
    IdentifyEvent: _check_identify,
    PageEvent: _check_page,
    ScreenEvent: _check_page,
    AliasEvent: _check_alias,
}


def _checked_products(properties: Properties, name: str, repairs: list[str]) -> tuple[Product, ...]:
    if properties.products:
        products: tuple[Product, ...] = tuple(properties.products)
    elif properties.product_id is not None or properties.sku is not None or properties.id is not None:
        products = (properties,)
    else:
        return ()
    if name in IS_ORDER and len(products) > 1 and any(product.quantity == 0.0 for product in products):
        repairs.append("products.quantity (a line of 0 units)")  # a line that was taken out of the order
        products = tuple(product for product in products if product.quantity != 0.0)
    for product in products:
        item_id = checked_id(item_of(product), "properties.product_id")
        if item_id is None:
            if name not in IS_ORDER:
                raise InvalidEvent("missing_item", "a product has neither `product_id` nor `sku`; each needs one.")
            repairs.append("products.product_id (missing)")  # its money counts all the same
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
    for name in ("revenue", "total", "discount", "shipping", "tax"):
        amount = getattr(properties, name)
        if amount is not None and not -MAX_MONEY <= amount <= MAX_MONEY:
            raise InvalidEvent(
                "bad_amount",
                f"`properties.{name}` is {amount}; {-MAX_MONEY:,.0f} to {MAX_MONEY:,.0f} is allowed.",
            )


def _consent(wire: WireEvent, rules: EventRules) -> tuple[Consent, list[str]]:
    context = wire.context
    properties = getattr(wire, "properties", None)
    stated = properties.consent if properties is not None else None
    if context is None:
        return (NOT_STATED, []) if stated is None else read_consent([stated], rules.consent_categories)
    told = (context.consent, context.consent_management, context.consent_mode, context.customer_privacy, stated)
    objection = context.global_privacy_control
    if objection is None and told == _NO_CONSENT:
        return NOT_STATED, []
    return read_consent((*told, None if objection is None else {_OBJECTION: objection}), rules.consent_categories)


_NO_CONSENT: Final = (None, None, None, None, None)
_OBJECTION: Final = "globalPrivacyControl"
