"""What the buying visits of one day put into their baskets, and what they could not have for lack of stock."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.browsing import Views
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.customers import Customers
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import WALK_IN, Visits

ALSO_BOUGHT, COMPLEMENT_CHANCE, STAPLE_CHANCE = 0.35, 0.22, 0.85
LIKING = 2.0  # of the one item that the visit was about
UNITS_USED_UP, UNITS_KEPT, UNITS_PROMOTED = 0.6, 0.15, 0.35  # units beyond the first; cut prices fill cupboards
EXTRA_POSITION = 1000.0


@dataclass(frozen=True)
class Basket:
    """Columns over order lines, order by order."""

    visit: np.ndarray
    item: np.ndarray
    quantity: np.ndarray
    position: np.ndarray  # when within the visit it was added
    extra_seen: np.ndarray  # bool: it was not among the visit's views, and was looked at just before it was added
    order_visit: np.ndarray  # (orders,) the visit of each order
    order_start: np.ndarray  # (orders + 1,) lines of order k: order_start[k] : order_start[k + 1]
    wanted: np.ndarray  # (items,) units, those of empty shelves included

    @property
    def sold(self) -> np.ndarray:
        return np.bincount(self.item, weights=self.quantity, minlength=len(self.wanted))


def fill_baskets(
    p: StoreParameters,
    catalogue: Catalogue,
    customers: Customers,
    day: Day,
    visits: Visits,
    views: Views,
    rng: np.random.Generator,
) -> Basket:
    """The day's order lines; notes in `customers` when their staples are due again."""
    seen = _bought_views(catalogue, day, visits, views, rng)
    together = _complements(catalogue, day, views.visit[seen], views.item[seen], rng)
    due = _due_staples(customers, day, visits, rng)
    visit = np.concatenate([views.visit[seen], together[0], due[0]])
    item = np.concatenate([views.item[seen], together[1], due[1]])
    rank = np.arange(len(visit), dtype=float)
    position = np.where(rank < len(seen), 0.0, EXTRA_POSITION + 2 * rank)
    position[: len(seen)] = views.position[seen] + 0.1
    # The same item by two ways is one line; lines of a visit come to lie together.
    _, keep = np.unique(visit * catalogue.size + item, return_index=True)
    visit, item, position = visit[keep], item[keep], position[keep]
    more = np.where(catalogue.cycle_days[item] > 0, UNITS_USED_UP, UNITS_KEPT)
    quantity = 1 + rng.poisson(more + UNITS_PROMOTED * (day.lift[item] > 1))
    wanted = np.bincount(item, weights=quantity, minlength=catalogue.size)
    can = ~day.out_of_stock[item]
    visit, item, position, quantity = visit[can], item[can], position[can], quantity[can]
    order_visit, order_start = np.unique(visit, return_index=True)
    basket = Basket(
        visit=visit,
        item=item,
        quantity=quantity,
        position=position,
        extra_seen=(position >= EXTRA_POSITION) & (rng.random(len(item)) < 0.7),
        order_visit=order_visit,
        order_start=np.append(order_start, len(visit)),
        wanted=wanted,
    )
    _restock_homes(catalogue, customers, day, visits, basket, rng)
    return basket


def _bought_views(catalogue: Catalogue, day: Day, visits: Visits, views: Views, rng: np.random.Generator) -> np.ndarray:
    """Indices of views: the one that each buying visit was about, and some of the others."""
    rows = np.flatnonzero(visits.buys[views.visit])
    visit, item = views.visit[rows], views.item[rows]
    score = LIKING * np.einsum("nd,nd->n", visits.taste[visit], catalogue.taste[item])
    score += np.log(day.lift[item]) + rng.gumbel(size=len(rows))
    order = np.lexsort((-score, visit))
    is_main = np.zeros(len(rows), dtype=bool)
    is_main[order[np.unique(visit[order], return_index=True)[1]]] = True
    # Long visits look at more, and do not buy in proportion.
    length = np.bincount(views.visit, minlength=visits.count)[visit]
    also = rng.random(len(rows)) < ALSO_BOUGHT * np.minimum(1.0, 5.0 / length)
    bought: np.ndarray = rows[is_main | also]
    return bought


def _complements(
    catalogue: Catalogue, day: Day, visit: np.ndarray, item: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    partners = catalogue.complements[item]
    taken = (rng.random(partners.shape) < COMPLEMENT_CHANCE) & (day.weight[partners] > 0)
    return np.broadcast_to(visit[:, None], partners.shape)[taken], partners[taken]


def _due_staples(
    customers: Customers, day: Day, visits: Visits, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    rows = np.flatnonzero(visits.buys & (visits.customer != WALK_IN))
    who = visits.customer[rows]
    # What will run out within a few days is bought along.
    due = (customers.staples[who] >= 0) & (customers.staple_due[who] <= day.number + 4)
    due &= rng.random(due.shape) < STAPLE_CHANCE
    return np.broadcast_to(rows[:, None], due.shape)[due], customers.staples[who][due]


def _restock_homes(
    catalogue: Catalogue,
    customers: Customers,
    day: Day,
    visits: Visits,
    basket: Basket,
    rng: np.random.Generator,
) -> None:
    """A staple that was bought is due again after its cycle, longer for more units."""
    lines = np.flatnonzero(visits.customer[basket.visit] != WALK_IN)
    who, item = visits.customer[basket.visit[lines]], basket.item[lines]
    matches = customers.staples[who] == item[:, None]
    line, place = np.nonzero(matches)
    cycle = catalogue.cycle_days[item[line]] * basket.quantity[lines][line] ** 0.8
    customers.staple_due[who[line], place] = day.number + cycle * rng.normal(1.0, 0.12, len(line)).clip(0.5, 1.5)
