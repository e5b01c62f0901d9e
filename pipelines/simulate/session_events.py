"""The events of one day's sessions: lists, searches, views, baskets and orders, for all sessions at once."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.basket import Basket, fill_baskets
from pipelines.simulate.browsing import Views, draw_views
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.customers import Customers
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import DAY_MS, LOGIN_AT_CHECKOUT, LOGIN_AT_START, NO_LOGIN, Sessions

PAGE, SEARCH, LIST, VIEW, ADD, REMOVE, CHECKOUT, ORDER, IDENTIFY, ALIAS = range(10)
KINDS = 10
# Positions within a session; views have 0, 1, 2, ..., and later additions come between them and the checkout.
AT_PAGE, AT_LOGIN, AT_LIST, AT_CHECKOUT, AT_LOGIN_LATE, AT_ORDER = -3.0, -2.0, -1.0, 9000.0, 9001.0, 9002.0
GAP_SECONDS_LOG_MEAN, GAP_SECONDS_LOG_SIGMA, GAP_SECONDS_MAX = 3.3, 0.9, 900.0


@dataclass(frozen=True)
class SessionEvents:
    """Columns over the events of one day, in time order, and the baskets behind the orders."""

    session: np.ndarray
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
        return len(self.session)


def draw_session_events(
    p: StoreParameters,
    catalogue: Catalogue,
    customers: Customers,
    day: Day,
    sessions: Sessions,
    rng: np.random.Generator,
) -> SessionEvents:
    """The events of the day's sessions."""
    views = draw_views(p, catalogue, day, sessions, rng)
    basket = fill_baskets(p, catalogue, customers, day, sessions, views, rng)
    blocks = [
        *_entrance(catalogue, sessions, views, rng),
        (views.session, views.position, VIEW, views.item, None),
        *_basket_blocks(basket, views, sessions, rng),
        *_login_blocks(sessions),
    ]
    session, position, kind, item, quantity = _joined(blocks)
    order = np.lexsort((position, session))
    session, position = session[order], position[order]
    at_ms = _times(session, sessions, rng)
    by_time = np.argsort(at_ms, kind="stable")
    has_user = (sessions.known[session] | (position >= _login_position(sessions)[session]))[by_time]
    order = order[by_time]
    return SessionEvents(session[by_time], kind[order], item[order], quantity[order], at_ms[by_time], has_user, basket)


Block = tuple[np.ndarray, np.ndarray | float, int, np.ndarray | None, np.ndarray | None]


def _entrance(catalogue: Catalogue, sessions: Sessions, views: Views, rng: np.random.Generator) -> list[Block]:
    """The first events: a home page for some; then a search, a category's list, or neither."""
    door = rng.random((2, sessions.count))
    home = np.flatnonzero(door[0] < 0.35)
    search = np.flatnonzero(door[1] < 0.3)
    category = np.flatnonzero((door[1] >= 0.3) & (door[1] < 0.75))
    first_items = views.item[views.first]
    return [
        (home, AT_PAGE, PAGE, None, None),
        (search, AT_LIST, SEARCH, first_items[search], None),
        (category, AT_LIST, LIST, catalogue.category[first_items[category]], None),
    ]


def _basket_blocks(basket: Basket, views: Views, sessions: Sessions, rng: np.random.Generator) -> list[Block]:
    orders = np.arange(len(basket.order_session))
    unseen = basket.extra_seen
    # Some sessions add items and leave without an order; some remove an item again.
    tempted = np.flatnonzero(rng.random(len(views.item)) < 0.07)
    ordering = np.zeros(sessions.count, dtype=bool)
    ordering[basket.order_session] = True
    regrets = tempted[ordering[views.session[tempted]] | (rng.random(len(tempted)) < 0.25)]
    one = np.ones(len(tempted))
    return [
        (basket.session[unseen], basket.position[unseen] - 0.5, VIEW, basket.item[unseen], None),
        (basket.session, basket.position, ADD, basket.item, basket.quantity),
        (views.session[tempted], views.position[tempted] + 0.2, ADD, views.item[tempted], one),
        (views.session[regrets], views.position[regrets] + 0.3, REMOVE, views.item[regrets], one[: len(regrets)]),
        (basket.order_session, AT_CHECKOUT, CHECKOUT, orders, None),
        (basket.order_session, AT_ORDER, ORDER, orders, None),
    ]


def _login_blocks(sessions: Sessions) -> list[Block]:
    positions = _login_position(sessions)
    logins = np.flatnonzero(sessions.login != NO_LOGIN)
    alias, identify = logins[sessions.by_alias[logins]], logins[~sessions.by_alias[logins]]
    return [
        (identify, positions[identify], IDENTIFY, sessions.customer[identify], None),
        (alias, positions[alias], ALIAS, None, None),
    ]


def _login_position(sessions: Sessions) -> np.ndarray:
    at = np.full(sessions.count, np.inf)
    at[sessions.login == LOGIN_AT_START] = AT_LOGIN
    at[sessions.login == LOGIN_AT_CHECKOUT] = AT_LOGIN_LATE
    return at


def _joined(blocks: list[Block]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    lengths = [len(block[0]) for block in blocks]
    session = np.concatenate([block[0] for block in blocks])
    position = np.concatenate([np.broadcast_to(block[1], n) for block, n in zip(blocks, lengths, strict=True)])
    kind = np.repeat([block[2] for block in blocks], lengths)
    empty = np.zeros(max(lengths, default=0), dtype=np.int64)
    item = np.concatenate([empty[:n] if b[3] is None else b[3] for b, n in zip(blocks, lengths, strict=True)])
    quantity = np.concatenate([empty[:n] if b[4] is None else b[4] for b, n in zip(blocks, lengths, strict=True)])
    return session, position, kind, item, quantity.astype(np.int64)


def _times(session: np.ndarray, sessions: Sessions, rng: np.random.Generator) -> np.ndarray:
    """Milliseconds of the day; `session` is sorted. A session that would run past midnight starts earlier."""
    gaps = np.exp(rng.normal(GAP_SECONDS_LOG_MEAN, GAP_SECONDS_LOG_SIGMA, len(session))).clip(1, GAP_SECONDS_MAX)
    total = np.cumsum((gaps * 1000).astype(np.int64))
    first = np.searchsorted(session, np.arange(sessions.count))
    last = np.searchsorted(session, np.arange(sessions.count), side="right") - 1
    elapsed = total - total[first][session]
    start = np.minimum(sessions.start_ms, DAY_MS - 1 - elapsed[last])
    return start[session] + elapsed
