"""The day's trips as Segment-spec JSON lines.

A dict per event and a JSON encoder would cost most of a run; here an event is one f-string over ready-made fragments.
"""

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from pipelines.simulate.calendar import Day
from pipelines.simulate.fragments import HOME, LISTS, Fragments
from pipelines.simulate.orders import GivenBack, Orders
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
    Trips,
)
from pipelines.simulate.sessions import Visits

Body = Callable[[int, int, int], str]  # of (visit, item, quantity)
VIEWED = '"type":"track","event":"Product Viewed","properties":{'
ADDED = '"type":"track","event":"Product Added","properties":{'
REMOVED = '"type":"track","event":"Product Removed","properties":{'
STARTED = '"type":"track","event":"Checkout Started",'
COMPLETED = '"type":"track","event":"Order Completed",'


class WireWriter:
    """Encodes day after day; remembers how many events there were, and what is still to be given back."""

    def __init__(self, p: StoreParameters, fragments: Fragments) -> None:
        self.events = 0
        self._p = p
        self._fragments = fragments
        self._later: dict[int, list[tuple[int, str]]] = defaultdict(list)  # day -> (time, identity, context and body)

    def encode(self, day: Day, visits: Visits, trips: Trips, orders: Orders, back: list[GivenBack]) -> bytes:
        """All lines of the day, in time order."""
        anonymous, known = self._fragments.senders(visits)
        contexts = self._fragments.contexts(visits, day)
        for given in back:
            visit = int(trips.basket.order_visit[given.order])
            has_user = visits.known[visit] or visits.login[visit] > 0
            body = self._fragments.refund(day, trips.basket, orders.order_id[given.order], given.lines)
            sender = (known if has_user else anonymous)[visit]
            context = self._fragments.late_context(visits, visit, given.day)
            self._later[given.day].append((given.at_ms, f"{sender}{context}{body}"))
        texts = self._texts(day, trips, orders, anonymous, known, contexts)
        late = sorted(self._later.pop(day.number, []))
        at_ms = np.concatenate([trips.at_ms, np.array([at for at, _ in late], dtype=np.int64)])
        texts += [text for _, text in late]
        return self._stamped(day, at_ms, texts)

    def _texts(
        self,
        day: Day,
        trips: Trips,
        orders: Orders,
        anonymous: list[str],
        known: list[str],
        contexts: list[str],
    ) -> list[str]:
        bodies = self._bodies(day, trips, orders, anonymous)
        rows = zip(
            trips.kind.tolist(),
            trips.visit.tolist(),
            trips.item.tolist(),
            trips.quantity.tolist(),
            trips.has_user.tolist(),
            strict=True,
        )
        return [
            f"{known[visit] if has_user else anonymous[visit]}{contexts[visit]}{bodies[kind](visit, item, quantity)}"
            for kind, visit, item, quantity, has_user in rows
        ]

    def _bodies(self, day: Day, trips: Trips, orders: Orders, anonymous: list[str]) -> dict[int, Body]:
        """How the part after the context is made, by kind of event."""
        fragments, basket = self._fragments, trips.basket
        priced = [f'{item},"price":{price}' for item, price in zip(fragments.items, day.price.tolist(), strict=True)]
        order = [fragments.order(day, basket, orders, number) for number in range(orders.count)]
        return {
            PAGE: lambda visit, item, quantity: HOME,
            SEARCH: lambda visit, item, quantity: fragments.searches[item],
            LIST: lambda visit, item, quantity: LISTS[item],
            VIEW: lambda visit, item, quantity: f"{VIEWED}{priced[item]}}}",
            ADD: lambda visit, item, quantity: f'{ADDED}{priced[item]},"quantity":{quantity}}}',
            REMOVE: lambda visit, item, quantity: f'{REMOVED}{priced[item]},"quantity":{quantity}}}',
            CHECKOUT: lambda visit, item, quantity: f"{STARTED}{order[item]}",
            ORDER: lambda visit, item, quantity: f"{COMPLETED}{order[item]}",
            IDENTIFY: lambda visit, customer, quantity: fragments.identify(customer),
            ALIAS: lambda visit, item, quantity: fragments.alias(anonymous[visit]),
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
