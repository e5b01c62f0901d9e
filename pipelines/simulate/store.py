"""A simulated store, simulated day by day."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipelines.simulate.calendar import Calendar
from pipelines.simulate.catalogue import draw_catalogue
from pipelines.simulate.customers import draw_customers
from pipelines.simulate.orders import draw_refunds, price_orders
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.session_events import draw_session_events
from pipelines.simulate.sessions import draw_sessions
from pipelines.simulate.truth import Ledger
from pipelines.simulate.wire_format import EncodedFragments, Encoder


class Store:
    """A simulated store. Between days it keeps the state of its customers and the truth, never the events."""

    def __init__(self, p: StoreParameters, truth_folder: Path) -> None:
        self.parameters = p
        self.catalogue = draw_catalogue(p)
        self.customers = draw_customers(p, self.catalogue)
        self.calendar = Calendar(p, self.catalogue)
        fragments = EncodedFragments(p, self.catalogue, self.customers)
        self.ledger = Ledger(p, self.catalogue, fragments, truth_folder)
        self._encoder = Encoder(p, fragments)

    @property
    def events(self) -> int:
        return self._encoder.events

    def days(self) -> Iterator[bytes]:
        """Each day's events as JSON lines in time order; to be iterated once."""
        for number in range(self.parameters.days):
            yield self._day(number)

    def write_truth(self) -> None:
        """Write the truth's files; once, after the last day."""
        self.ledger.close(self.calendar, self.customers)

    def _day(self, number: int) -> bytes:
        p, day = self.parameters, self.calendar.day(number)
        rng = np.random.default_rng([p.seed, 4, number])
        sessions = draw_sessions(p, self.customers, day, rng)
        events = draw_session_events(p, self.catalogue, self.customers, day, sessions, rng)
        orders = price_orders(p, day, sessions, events.basket, rng)
        refunds = draw_refunds(p, self.catalogue, day, events.basket, rng)
        self.ledger.record(day, sessions, events)
        return self._encoder.encode(day, sessions, events, orders, refunds)
