"""A simulated store, lived through day by day."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from pipelines.simulate.calendar import Calendar
from pipelines.simulate.catalogue import draw_catalogue
from pipelines.simulate.customers import draw_customers
from pipelines.simulate.fragments import Fragments
from pipelines.simulate.orders import draw_given_back, price_orders
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.session_events import draw_trips
from pipelines.simulate.sessions import draw_visits
from pipelines.simulate.truth import Ledger
from pipelines.simulate.wire import WireWriter


class Store:
    """Its state between days is its customers', and the ledger of the truth; never the events."""

    def __init__(self, p: StoreParameters, truth_folder: Path) -> None:
        self.parameters = p
        self.catalogue = draw_catalogue(p)
        self.customers = draw_customers(p, self.catalogue)
        self.calendar = Calendar(p, self.catalogue)
        fragments = Fragments(p, self.catalogue, self.customers)
        self.ledger = Ledger(p, self.catalogue, fragments, truth_folder)
        self._wire = WireWriter(p, fragments)

    @property
    def events(self) -> int:
        return self._wire.events

    def days(self) -> Iterator[bytes]:
        """Each day's events as JSON lines in time order; to be run through once."""
        for number in range(self.parameters.days):
            yield self._day(number)

    def write_truth(self) -> None:
        """Write the truth's files; once, after the last day."""
        self.ledger.close(self.calendar, self.customers)

    def _day(self, number: int) -> bytes:
        p, day = self.parameters, self.calendar.day(number)
        rng = np.random.default_rng([p.seed, 4, number])
        visits = draw_visits(p, self.customers, day, rng)
        trips = draw_trips(p, self.catalogue, self.customers, day, visits, rng)
        orders = price_orders(p, day, visits, trips.basket, rng)
        back = draw_given_back(p, self.catalogue, day, trips.basket, rng)
        self.ledger.book(day, visits, trips)
        return self._wire.encode(day, visits, trips, orders, back)
