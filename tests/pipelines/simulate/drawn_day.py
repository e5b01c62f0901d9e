"""One day of a small simulated store, drawn step by step."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.basket import Basket, fill_baskets
from pipelines.simulate.browsing import Views, draw_views
from pipelines.simulate.calendar import Calendar, Day
from pipelines.simulate.catalogue import Catalogue, draw_catalogue
from pipelines.simulate.customers import Customers, draw_customers
from pipelines.simulate.orders import Orders, price_orders
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.session_events import SessionEvents, draw_session_events
from pipelines.simulate.sessions import Sessions, draw_sessions

PARAMETERS = StoreParameters(customers=2_000, items=60, days=60, seed=5, stock_outs_per_year=12.0, alias_share=0.2)
NUMBER = 20


@dataclass(frozen=True)
class DrawnDay:
    catalogue: Catalogue
    customers: Customers
    day: Day
    sessions: Sessions
    views: Views
    basket: Basket
    events: SessionEvents
    orders: Orders


def draw_day(parameters: StoreParameters = PARAMETERS) -> DrawnDay:
    """Day `NUMBER`; `events` come with baskets of their own, which `orders` are of."""
    p, rng = parameters, np.random.default_rng(3)
    catalogue = draw_catalogue(p)
    customers, day = draw_customers(p, catalogue), Calendar(p, catalogue).day(NUMBER)
    sessions = draw_sessions(p, customers, day, rng)
    views = draw_views(p, catalogue, day, sessions, rng)
    basket = fill_baskets(p, catalogue, customers, day, sessions, views, rng)
    events = draw_session_events(p, catalogue, customers, day, sessions, rng)
    orders = price_orders(p, day, sessions, events.basket, rng)
    return DrawnDay(catalogue, customers, day, sessions, views, basket, events, orders)
