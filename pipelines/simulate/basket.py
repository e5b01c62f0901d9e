"""The order lines of one day, and the units that were wanted but out of stock."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.browsing import Views
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.customers import Customers
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import WALK_IN, Sessions

ALSO_BOUGHT, COMPLEMENT_CHANCE, STAPLE_CHANCE = 0.35, 0.22, 0.85
LIKING = 2.0  # weight of taste in the choice of the main item
UNITS_USED_UP, UNITS_KEPT, UNITS_PROMOTED = 0.6, 0.15, 0.35  # units beyond the first, on average
EXTRA_POSITION = 1000.0


@dataclass(frozen=True)
class Basket:
    """Columns over order lines, order by order."""

    session: np.ndarray
    item: np.ndarray
    quantity: np.ndarray
    position: np.ndarray  # within the session, at which it was added
    extra_seen: np.ndarray  # bool: not among the session's views; it is viewed just before it is added
    order_session: np.ndarray  # (orders,) the session of each order
    order_start: np.ndarray  # (orders + 1,) lines of order k: order_start[k] : order_start[k + 1]
    wanted: np.ndarray  # (items,) units, including those that were out of stock

    @property
    def sold(self) -> np.ndarray:
        return np.bincount(self.item, weights=self.quantity, minlength=len(self.wanted))


def fill_baskets(
    p: StoreParameters,
    catalogue: Catalogue,
    customers: Customers,
    day: Day,
    sessions: Sessions,
    views: Views,
    rng: np.random.Generator,
) -> Basket:
    """The day's order lines; updates in `customers` when their staples are due again."""
    seen = _bought_views(catalogue, day, sessions, views, rng)
    together = _complements(catalogue, day, views.session[seen], views.item[seen], rng)
    due = _due_staples(customers, day, sessions, rng)
    session = np.concatenate([views.session[seen], together[0], due[0]])
    item = np.concatenate([views.item[seen], together[1], due[1]])
    rank = np.arange(len(session), dtype=float)
    position = np.where(rank < len(seen), 0.0, EXTRA_POSITION + 2 * rank)
    position[: len(seen)] = views.position[seen] + 0.1
    # An item that was chosen twice is one line; the lines are sorted by session.
    _, keep = np.unique(session * catalogue.size + item, return_index=True)
    session, item, position = session[keep], item[keep], position[keep]
    more = np.where(catalogue.cycle_days[item] > 0, UNITS_USED_UP, UNITS_KEPT)
    quantity = 1 + rng.poisson(more + UNITS_PROMOTED * (day.lift[item] > 1))
    wanted = np.bincount(item, weights=quantity, minlength=catalogue.size)
    can = ~day.out_of_stock[item]
    session, item, position, quantity = session[can], item[can], position[can], quantity[can]
    order_session, order_start = np.unique(session, return_index=True)
    basket = Basket(
        session=session,
        item=item,
        quantity=quantity,
        position=position,
        extra_seen=(position >= EXTRA_POSITION) & (rng.random(len(item)) < 0.7),
        order_session=order_session,
        order_start=np.append(order_start, len(session)),
        wanted=wanted,
    )
    _update_due_staples(catalogue, customers, day, sessions, basket, rng)
    return basket


def _bought_views(
    catalogue: Catalogue, day: Day, sessions: Sessions, views: Views, rng: np.random.Generator
) -> np.ndarray:
    """Indices of views: the main one of each session that buys, and some of the others."""
    rows = np.flatnonzero(sessions.buys[views.session])
    session, item = views.session[rows], views.item[rows]
    score = LIKING * np.einsum("nd,nd->n", sessions.taste[session], catalogue.taste[item])
    score += np.log(day.lift[item]) + rng.gumbel(size=len(rows))
    order = np.lexsort((-score, session))
    is_main = np.zeros(len(rows), dtype=bool)
    is_main[order[np.unique(session[order], return_index=True)[1]]] = True
    # Long sessions view more items, but do not buy in proportion.
    length = np.bincount(views.session, minlength=sessions.count)[session]
    also = rng.random(len(rows)) < ALSO_BOUGHT * np.minimum(1.0, 5.0 / length)
    return rows[is_main | also]


def _complements(
    catalogue: Catalogue, day: Day, session: np.ndarray, item: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    partners = catalogue.complements[item]
    taken = (rng.random(partners.shape) < COMPLEMENT_CHANCE) & (day.weight[partners] > 0)
    return np.broadcast_to(session[:, None], partners.shape)[taken], partners[taken]


def _due_staples(
    customers: Customers, day: Day, sessions: Sessions, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(sessions.buys & (sessions.customer != WALK_IN))
    who = sessions.customer[rows]
    # Staples that run out within four days are bought too.
    due = (customers.staples[who] >= 0) & (customers.staple_due[who] <= day.number + 4)
    due &= rng.random(due.shape) < STAPLE_CHANCE
    return np.broadcast_to(rows[:, None], due.shape)[due], customers.staples[who][due]


def _update_due_staples(
    catalogue: Catalogue,
    customers: Customers,
    day: Day,
    sessions: Sessions,
    basket: Basket,
    rng: np.random.Generator,
) -> None:
    """A staple that was bought is due again after its cycle, which is longer for more units."""
    lines = np.flatnonzero(sessions.customer[basket.session] != WALK_IN)
    who, item = sessions.customer[basket.session[lines]], basket.item[lines]
    matches = customers.staples[who] == item[:, None]
    line, place = np.nonzero(matches)
    cycle = catalogue.cycle_days[item[line]] * basket.quantity[lines][line] ** 0.8
    customers.staple_due[who[line], place] = day.number + cycle * rng.normal(1.0, 0.12, len(line)).clip(0.5, 1.5)
