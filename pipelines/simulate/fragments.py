"""The ready-made parts of the wire format: every text that repeats is encoded once."""

from itertools import product
from typing import Final

import numpy as np
import orjson

from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.basket import Basket
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.customers import CHANNELS, COUNTRIES, DEVICE_TYPES, NOT_SAID, Customers
from pipelines.simulate.orders import COUPON, Orders
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import WALK_IN, Visits

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


class Fragments:
    """JSON texts of one store's items, visits, orders and people."""

    def __init__(self, p: StoreParameters, catalogue: Catalogue, customers: Customers) -> None:
        self._p = p
        self._customers = customers
        self.items = [_item(catalogue, i) for i in range(catalogue.size)]  # a product's fields, without braces
        self.searches = [_search(name) for name in catalogue.name]
        self._contexts = [_context(*key) for key in product(CHANNELS, DEVICE_TYPES, COUNTRIES, range(NOT_SAID + 1))]

    def anonymous_ids(self, device_keys: np.ndarray) -> list[str]:
        """One id per device key (n,): distinct keys, distinct ids."""
        return [f"a{code:016x}" for code in _mixed(device_keys, int(self._p.fingerprint, 16)).tolist()]

    def senders(self, visits: Visits) -> tuple[list[str], list[str]]:
        """The identity fields of each visit's events, before and after it says who it is."""
        anonymous = [f'"anonymousId":"{anonymous_id}",' for anonymous_id in self.anonymous_ids(visits.device_key)]
        known = [
            sender if customer == WALK_IN else f'{sender}"userId":"{self._customers.user_id(customer)}",'
            for sender, customer in zip(anonymous, visits.customer.tolist(), strict=True)
        ]
        return anonymous, known

    def contexts(self, visits: Visits, day: Day) -> list[str]:
        """The context of each visit's events."""
        shape = (len(CHANNELS), len(DEVICE_TYPES), len(COUNTRIES), NOT_SAID + 1)
        codes = np.ravel_multi_index((visits.channel, visits.device_type, visits.country, visits.consent), shape)
        prefix = f"{self._p.fingerprint}-{day.number:x}"
        return [
            f'"context":{{"sessionId":"{prefix}-{number:x}",{self._contexts[code]}}},'
            for number, code in enumerate(codes.tolist())
        ]

    def late_context(self, visits: Visits, visit: int, day: int) -> str:
        """The context of what happens on a later day because of a visit: consent as it stands by then."""
        customer = int(visits.customer[visit])
        if customer == WALK_IN:
            return _consent_only(int(visits.consent[visit]))
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
        return f'"type":"identify","traits":{{"country":"{country}","created_at":"{created}"}}'

    def alias(self, anonymous: str) -> str:
        """The type of an alias event, with the anonymous id, a field of `anonymous`, as the previous one."""
        return f'"type":"alias",{anonymous.replace("anonymousId", "previousId").rstrip(",")}'


def _item(catalogue: Catalogue, item: int) -> str:
    fields = {
        "product_id": catalogue.item_id[item],
        "name": catalogue.name[item],
        "category": CATEGORIES[catalogue.category[item]].name,
        "brand": catalogue.brand[item],
    }
    return orjson.dumps(fields).decode()[1:-1]


def _search(name: str) -> str:
    """People search for the thing, not for its full name."""
    query = orjson.dumps({"query": " ".join(name.lower().split()[-2:])}).decode()
    return f'"type":"track","event":"Products Searched","properties":{query}'


def _context(channel: str, device: str, country: str, consent: int) -> str:
    context: dict[str, object] = {"device": {"type": device}, "location": {"country": country}}
    if channel in CAMPAIGN_SOURCES:
        context["campaign"] = {"source": CAMPAIGN_SOURCES[channel], "medium": channel}
    if consent != NOT_SAID:
        context["consent"] = _preferences(consent)
    return orjson.dumps(context).decode()[1:-1]


def _consent_only(consent: int) -> str:
    if consent == NOT_SAID:
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
