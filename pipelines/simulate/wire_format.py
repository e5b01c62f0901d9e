"""The simulated events as JSON lines of the wire format (Segment's HTTP tracking spec).

A dict per event and a JSON encoder would take most of a run. Here every text that repeats is encoded once, and an event
is one f-string over these encoded fragments.
"""

from collections import defaultdict
from collections.abc import Callable
from itertools import product
from typing import Final

import numpy as np
import orjson

from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.basket import Basket
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.customers import CHANNELS, COUNTRIES, DEVICE_TYPES, NOT_STATED, Customers
from pipelines.simulate.orders import COUPON, Orders, Refund
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.session_events import (
    ADD,
    ALIAS,
    CHECKOUT,
    IDENTIFY,
    LIST,
    ORDER,
    PAGE,
    REMOVE,
    SEARCH,
    VIEW,
    SessionEvents,
)
from pipelines.simulate.sessions import WALK_IN, Sessions

CURRENCY: Final = "EUR"
CAMPAIGN_SOURCES: Final = {
    "organic": "google",
    "cpc": "google",
    "email": "newsletter",
    "social": "instagram",
    "referral": "partners",
    "affiliate": "dealfinder",
}
HOME: Final = '"type":"page","name":"Home","properties":{"path":"/"}'
LISTS: Final = [
    '"type":"track","event":"Product List Viewed","properties":' + orjson.dumps({"category": category.name}).decode()
    for category in CATEGORIES
]
Body = Callable[[int, int, int], str]  # of (session, item, quantity)
VIEWED = '"type":"track","event":"Product Viewed","properties":{'
ADDED = '"type":"track","event":"Product Added","properties":{'
REMOVED = '"type":"track","event":"Product Removed","properties":{'
STARTED = '"type":"track","event":"Checkout Started",'
COMPLETED = '"type":"track","event":"Order Completed",'


class EncodedFragments:
    """JSON texts of one store's items, sessions, orders and customers."""

    def __init__(self, p: StoreParameters, catalogue: Catalogue, customers: Customers) -> None:
        self._p = p
        self._customers = customers
        self.items = [_item(catalogue, i) for i in range(catalogue.size)]  # a product's fields, without braces
        self.searches = [_search(name) for name in catalogue.name]
        self._contexts = [_context(*key) for key in product(CHANNELS, DEVICE_TYPES, COUNTRIES, range(NOT_STATED + 1))]

    def anonymous_ids(self, device_keys: np.ndarray) -> list[str]:
        """One id per device key (n,): distinct keys, distinct ids."""
        return [f"a{code:016x}" for code in _mixed(device_keys, int(self._p.fingerprint, 16)).tolist()]

    def senders(self, sessions: Sessions) -> tuple[list[str], list[str]]:
        """The identity fields of each session's events, before and after the login."""
        anonymous = [f'"anonymousId":"{anonymous_id}",' for anonymous_id in self.anonymous_ids(sessions.device_key)]
        known = [
            sender if customer == WALK_IN else f'{sender}"userId":"{self._customers.user_id(customer)}",'
            for sender, customer in zip(anonymous, sessions.customer.tolist(), strict=True)
        ]
        return anonymous, known

    def contexts(self, sessions: Sessions, day: Day) -> list[str]:
        """The context of each session's events."""
        shape = (len(CHANNELS), len(DEVICE_TYPES), len(COUNTRIES), NOT_STATED + 1)
        codes = np.ravel_multi_index(
            (sessions.channel, sessions.device_type, sessions.country, sessions.consent), shape
        )
        prefix = f"{self._p.fingerprint}-{day.number:x}"
        return [
            f'"context":{{"sessionId":"{prefix}-{number:x}",{self._contexts[code]}}},'
            for number, code in enumerate(codes.tolist())
        ]

    def late_context(self, sessions: Sessions, session: int, day: int) -> str:
        """The context of a refund on a later day: the consent of that day."""
        customer = int(sessions.customer[session])
        if customer == WALK_IN:
            return _consent_only(int(sessions.consent[session]))
        return _consent_only(int(self._customers.consent_on(np.array([customer]), day)[0]))

    def products(self, day: Day, basket: Basket, lines: range | tuple[int, ...]) -> str:
        """Some lines of the day's baskets, as a JSON array."""
        texts = [
            f'{{{self.items[basket.item[line]]},"price":{day.price[basket.item[line]]},'
            f'"quantity":{basket.quantity[line]}}}'
            for line in lines
        ]
        return f"[{','.join(texts)}]"

    def order(self, day: Day, basket: Basket, orders: Orders, number: int) -> str:
        """The properties of one order, without the closing brace."""
        lines = range(int(basket.order_start[number]), int(basket.order_start[number + 1]))
        coupon = f'"coupon":"{COUPON}",' if orders.discount[number] > 0 else ""
        return (
            f'"properties":{{"order_id":"{orders.order_id[number]}","currency":"{CURRENCY}",'
            f'"revenue":{orders.revenue[number]},"shipping":{orders.shipping[number]},'
            f'"discount":{orders.discount[number]},{coupon}"products":{self.products(day, basket, lines)}}}'
        )

    def refund(self, day: Day, basket: Basket, order_id: str, lines: tuple[int, ...]) -> str:
        """The type and properties of the refund of some lines, or of the cancellation of a whole order."""
        if not lines:
            return f'"type":"track","event":"Order Cancelled","properties":{{"order_id":"{order_id}"}}'
        total = sum(float(day.price[basket.item[line]]) * int(basket.quantity[line]) for line in lines)
        return (
            f'"type":"track","event":"Order Refunded","properties":{{"order_id":"{order_id}","currency":"{CURRENCY}",'
            f'"total":{total:.2f},"products":{self.products(day, basket, lines)}}}'
        )

    def identify(self, customer: int) -> str:
        """The type and traits of a customer's identify event."""
        country = COUNTRIES[self._customers.country[customer]]
        created = self._p.date_of(int(self._customers.start_day[customer]))
        address = self._customers.email(customer)
        email = f',"email":"{address}"' if address else ""
        return f'"type":"identify","traits":{{"country":"{country}","created_at":"{created}"{email}}}'

    def alias(self, anonymous: str) -> str:
        """The type of an alias event, with the anonymous id, a field of `anonymous`, as the previous one."""
        return f'"type":"alias",{anonymous.replace("anonymousId", "previousId").rstrip(",")}'


class Encoder:
    """Encodes day after day; keeps the number of events, and the refunds that are still to come."""

    def __init__(self, p: StoreParameters, fragments: EncodedFragments) -> None:
        self.events = 0
        self._p = p
        self._fragments = fragments
        self._later: dict[int, list[tuple[int, str]]] = defaultdict(list)  # day -> (time, event)

    def encode(
        self, day: Day, sessions: Sessions, events: SessionEvents, orders: Orders, refunds: list[Refund]
    ) -> bytes:
        """All lines of the day, in time order."""
        anonymous, known = self._fragments.senders(sessions)
        contexts = self._fragments.contexts(sessions, day)
        for given in refunds:
            session = int(events.basket.order_session[given.order])
            has_user = sessions.known[session] or sessions.login[session] > 0
            body = self._fragments.refund(day, events.basket, orders.order_id[given.order], given.lines)
            sender = (known if has_user else anonymous)[session]
            context = self._fragments.late_context(sessions, session, given.day)
            self._later[given.day].append((given.at_ms, f"{sender}{context}{body}"))
        texts = self._texts(day, events, orders, anonymous, known, contexts)
        late = sorted(self._later.pop(day.number, []))
        at_ms = np.concatenate([events.at_ms, np.array([at for at, _ in late], dtype=np.int64)])
        texts += [text for _, text in late]
        return self._stamped(day, at_ms, texts)

    def _texts(
        self,
        day: Day,
        events: SessionEvents,
        orders: Orders,
        anonymous: list[str],
        known: list[str],
        contexts: list[str],
    ) -> list[str]:
        bodies = self._bodies(day, events, orders, anonymous)
        rows = zip(
            events.kind.tolist(),
            events.session.tolist(),
            events.item.tolist(),
            events.quantity.tolist(),
            events.has_user.tolist(),
            strict=True,
        )
        return [
            (known if has_user else anonymous)[session] + contexts[session] + bodies[kind](session, item, quantity)
            for kind, session, item, quantity, has_user in rows
        ]

    def _bodies(self, day: Day, events: SessionEvents, orders: Orders, anonymous: list[str]) -> dict[int, Body]:
        """The functions that make the part after the context, by kind of event."""
        fragments, basket = self._fragments, events.basket
        priced = [f'{item},"price":{price}' for item, price in zip(fragments.items, day.price.tolist(), strict=True)]
        order = [fragments.order(day, basket, orders, number) for number in range(orders.count)]
        return {
            PAGE: lambda session, item, quantity: HOME,
            SEARCH: lambda session, item, quantity: fragments.searches[item],
            LIST: lambda session, item, quantity: LISTS[item],
            VIEW: lambda session, item, quantity: f"{VIEWED}{priced[item]}}}",
            ADD: lambda session, item, quantity: f'{ADDED}{priced[item]},"quantity":{quantity}}}',
            REMOVE: lambda session, item, quantity: f'{REMOVED}{priced[item]},"quantity":{quantity}}}',
            CHECKOUT: lambda session, item, quantity: f"{STARTED}{order[item]}",
            ORDER: lambda session, item, quantity: f"{COMPLETED}{order[item]}",
            IDENTIFY: lambda session, customer, quantity: fragments.identify(customer),
            ALIAS: lambda session, item, quantity: fragments.alias(anonymous[session]),
        }

    def _stamped(self, day: Day, at_ms: np.ndarray, texts: list[str]) -> bytes:
        """Message ids and times added, in time order."""
        order = np.argsort(at_ms, kind="stable")
        midnight = np.datetime64(self._p.date_of(day.number), "ms")
        stamps = np.datetime_as_string(midnight + at_ms[order].astype("timedelta64[ms]"), unit="ms").tolist()
        first, prefix = self.events, self._p.fingerprint
        self.events += len(texts)
        lines = [
            f'{{"messageId":"{prefix}-{number:09x}","timestamp":"{stamp}Z",{texts[index]}}}\n'
            for number, (stamp, index) in enumerate(zip(stamps, order.tolist(), strict=True), first)
        ]
        return "".join(lines).encode()


def _item(catalogue: Catalogue, item: int) -> str:
    fields = {
        "product_id": catalogue.item_id[item],
        "name": catalogue.name[item],
        "category": CATEGORIES[catalogue.category[item]].name,
        "brand": catalogue.brand[item],
    }
    return orjson.dumps(fields).decode()[1:-1]


def _search(name: str) -> str:
    """The last two words of the name are searched for."""
    query = orjson.dumps({"query": " ".join(name.lower().split()[-2:])}).decode()
    return f'"type":"track","event":"Products Searched","properties":{query}'


def _context(channel: str, device: str, country: str, consent: int) -> str:
    context: dict[str, object] = {"device": {"type": device}, "location": {"country": country}}
    if channel in CAMPAIGN_SOURCES:
        context["campaign"] = {"source": CAMPAIGN_SOURCES[channel], "medium": channel}
    if consent != NOT_STATED:
        context["consent"] = _preferences(consent)
    return orjson.dumps(context).decode()[1:-1]


def _consent_only(consent: int) -> str:
    if consent == NOT_STATED:
        return ""
    return f'"context":{{"consent":{orjson.dumps(_preferences(consent)).decode()}}},'


def _preferences(consent: int) -> dict[str, dict[str, bool]]:
    purposes = ("analytics", "personalization", "marketing")
    return {"categoryPreferences": {purpose: bool(consent >> bit & 1) for bit, purpose in enumerate(purposes)}}


def _mixed(keys: np.ndarray, salt: int) -> np.ndarray:
    """A bijection of 64-bit integers that looks random (the finalizer of splitmix64, Steele et al. 2014)."""
    z = keys.astype(np.uint64) + np.uint64(salt << 31 | salt)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
