"""What happens during the visits of one day: lists, searches, views, baskets and orders, all visits at once."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.basket import Basket, fill_baskets
from pipelines.simulate.browsing import Views, draw_views
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.customers import Customers
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import DAY_MS, LOGIN_AT_CHECKOUT, LOGIN_AT_START, NO_LOGIN, Visits

PAGE, SEARCH, LIST, VIEW, ADD, REMOVE, CHECKOUT, ORDER, IDENTIFY, ALIAS = range(10)
KINDS = 10
# Positions within a visit; views stand at 0, 1, 2, ... and what is put in afterwards between them and the checkout.
AT_PAGE, AT_LOGIN, AT_LIST, AT_CHECKOUT, AT_LOGIN_LATE, AT_ORDER = -3.0, -2.0, -1.0, 9000.0, 9001.0, 9002.0
GAP_SECONDS_LOG_MEAN, GAP_SECONDS_LOG_SIGMA, GAP_SECONDS_MAX = 3.3, 0.9, 900.0


@dataclass(frozen=True)
class Trips:
    """Columns over the events of one day, in time order, and the baskets behind the orders."""

    visit: np.ndarray
    kind: np.ndarray
    # of VIEW, ADD, REMOVE and SEARCH; a category of LIST; an index of the day's orders of ORDER and CHECKOUT; a
    # customer of IDENTIFY
    item: np.ndarray
    quantity: np.ndarray
    at_ms: np.ndarray  # of the day
    has_user: np.ndarray  # bool: the event carries the user id
    basket: Basket

    @property
    def count(self) -> int:
        return len(self.visit)


def draw_trips(
    p: StoreParameters, catalogue: Catalogue, customers: Customers, day: Day, visits: Visits, rng: np.random.Generator
) -> Trips:
    """Play the day's visits."""
    views = draw_views(p, catalogue, day, visits, rng)
    basket = fill_baskets(p, catalogue, customers, day, visits, views, rng)
    blocks = [
        *_entrance(catalogue, visits, views, rng),
        (views.visit, views.position, VIEW, views.item, None),
        *_basket_blocks(basket, views, visits, rng),
        *_login_blocks(visits),
    ]
    visit, position, kind, item, quantity = _joined(blocks)
    order = np.lexsort((position, visit))
    visit, position = visit[order], position[order]
    at_ms = _times(visit, visits, rng)
    by_time = np.argsort(at_ms, kind="stable")
    has_user = (visits.known[visit] | (position >= _login_position(visits)[visit]))[by_time]
    order = order[by_time]
    return Trips(visit[by_time], kind[order], item[order], quantity[order], at_ms[by_time], has_user, basket)


Block = tuple[np.ndarray, np.ndarray | float, int, np.ndarray | None, np.ndarray | None]


def _entrance(catalogue: Catalogue, visits: Visits, views: Views, rng: np.random.Generator) -> list[Block]:
    """A home page for some; then a search, or a category's list, or straight to the product."""
    door = rng.random((2, visits.count))
    home = np.flatnonzero(door[0] < 0.35)
    search = np.flatnonzero(door[1] < 0.3)
    shelf = np.flatnonzero((door[1] >= 0.3) & (door[1] < 0.75))
    anchors = views.item[views.first]
    return [
        (home, AT_PAGE, PAGE, None, None),
        (search, AT_LIST, SEARCH, anchors[search], None),
        (shelf, AT_LIST, LIST, catalogue.category[anchors[shelf]], None),
    ]


def _basket_blocks(basket: Basket, views: Views, visits: Visits, rng: np.random.Generator) -> list[Block]:
    orders = np.arange(len(basket.order_visit))
    unseen = basket.extra_seen
    # Some put things in and leave without buying; some put in one thing too many and take it out again.
    tempted = np.flatnonzero(rng.random(len(views.item)) < 0.07)
    ordering = np.zeros(visits.count, dtype=bool)
    ordering[basket.order_visit] = True
    regrets = tempted[ordering[views.visit[tempted]] | (rng.random(len(tempted)) < 0.25)]
    one = np.ones(len(tempted))
    return [
        (basket.visit[unseen], basket.position[unseen] - 0.5, VIEW, basket.item[unseen], None),
        (basket.visit, basket.position, ADD, basket.item, basket.quantity),
        (views.visit[tempted], views.position[tempted] + 0.2, ADD, views.item[tempted], one),
        (views.visit[regrets], views.position[regrets] + 0.3, REMOVE, views.item[regrets], one[: len(regrets)]),
        (basket.order_visit, AT_CHECKOUT, CHECKOUT, orders, None),
        (basket.order_visit, AT_ORDER, ORDER, orders, None),
    ]


def _login_blocks(visits: Visits) -> list[Block]:
    positions = _login_position(visits)
    logins = np.flatnonzero(visits.login != NO_LOGIN)
    alias, identify = logins[visits.by_alias[logins]], logins[~visits.by_alias[logins]]
    return [
        (identify, positions[identify], IDENTIFY, visits.customer[identify], None),
        (alias, positions[alias], ALIAS, None, None),
    ]


def _login_position(visits: Visits) -> np.ndarray:
    at = np.full(visits.count, np.inf)
    at[visits.login == LOGIN_AT_START] = AT_LOGIN
    at[visits.login == LOGIN_AT_CHECKOUT] = AT_LOGIN_LATE
    return at


def _joined(blocks: list[Block]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    lengths = [len(block[0]) for block in blocks]
    visit = np.concatenate([block[0] for block in blocks])
    position = np.concatenate([np.broadcast_to(block[1], n) for block, n in zip(blocks, lengths, strict=True)])
    kind = np.repeat([block[2] for block in blocks], lengths)
    empty = np.zeros(max(lengths, default=0), dtype=np.int64)
    item = np.concatenate([empty[:n] if b[3] is None else b[3] for b, n in zip(blocks, lengths, strict=True)])
    quantity = np.concatenate([empty[:n] if b[4] is None else b[4] for b, n in zip(blocks, lengths, strict=True)])
    return visit, position, kind, item, quantity.astype(np.int64)


def _times(visit: np.ndarray, visits: Visits, rng: np.random.Generator) -> np.ndarray:
    """Milliseconds of the day; `visit` is sorted. A visit that would run past midnight starts earlier."""
    gaps = np.exp(rng.normal(GAP_SECONDS_LOG_MEAN, GAP_SECONDS_LOG_SIGMA, len(visit))).clip(1, GAP_SECONDS_MAX)
    total = np.cumsum((gaps * 1000).astype(np.int64))
    first = np.searchsorted(visit, np.arange(visits.count))
    last = np.searchsorted(visit, np.arange(visits.count), side="right") - 1
    elapsed = total - total[first][visit]
    start = np.minimum(visits.start_ms, DAY_MS - 1 - elapsed[last])
    at_ms: np.ndarray = start[visit] + elapsed
    return at_ms
