"""Which items the sessions of one day view: a first item, similar ones, others of a category, repeated views."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import NEIGHBOURS, Catalogue
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import Sessions

CANDIDATES = 12
CATEGORY_SHARES = np.array([category.share for category in CATEGORIES])
VIEWS_LOG_MEAN, VIEWS_LOG_SIGMA = (0.75, 1.2), (0.95, 0.8)  # of sessions without and with an order
MAX_VIEWS = 150
REPEATED_VIEW, LIKE_THE_FIRST, OTHER_CATEGORY = 0.18, 0.36, 0.2


@dataclass(frozen=True)
class Views:
    """Columns over views, session by session; every session has at least one."""

    session: np.ndarray
    position: np.ndarray  # 0, 1, 2, ... within the session
    item: np.ndarray
    first: np.ndarray  # (sessions,) index of the session's first view


def draw_views(
    p: StoreParameters, catalogue: Catalogue, day: Day, sessions: Sessions, rng: np.random.Generator
) -> Views:
    """The day's product views."""
    buys = sessions.buys.astype(int)
    log_length = rng.normal(np.array(VIEWS_LOG_MEAN)[buys], np.array(VIEWS_LOG_SIGMA)[buys])
    lengths = np.round(np.exp(log_length)).clip(1, MAX_VIEWS).astype(np.int64)
    session = np.repeat(np.arange(sessions.count), lengths)
    first = np.cumsum(lengths) - lengths
    position = np.arange(len(session)) - first[session]
    category = _draw_categories(p, catalogue, day, sessions, session, position == 0, rng)
    item = choose_items(p, catalogue, day, sessions.taste[session], sessions.price_sensitivity[session], category, rng)
    way = rng.random(len(session))
    alike = catalogue.neighbours[item[first][session], rng.integers(NEIGHBOURS, size=len(session))]
    is_alike = (
        (position > 0) & (way >= REPEATED_VIEW) & (way < REPEATED_VIEW + LIKE_THE_FIRST) & (day.weight[alike] > 0)
    )
    item = np.where(is_alike, alike, item)
    # A repeated view points at an earlier view, which may itself be repeated: follow the pointers to their ends.
    repeated = (position > 0) & (way < REPEATED_VIEW)
    source = np.where(
        repeated, first[session] + (rng.random(len(session)) * position).astype(np.int64), np.arange(len(session))
    )
    while repeated[source].any():
        source = source[source]
    return Views(session, position.astype(float), item[source], first)


def choose_items(
    p: StoreParameters,
    catalogue: Catalogue,
    day: Day,
    taste: np.ndarray,
    price_sensitivity: np.ndarray,
    category: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """One item for each (taste, category): a few candidates by weight, then the one with the highest noisy utility."""
    cumulative = np.concatenate([[0.0], np.cumsum(day.weight)])
    low, high = cumulative[catalogue.category_start[category]], cumulative[catalogue.category_start[category + 1]]
    draws = low[:, None] + rng.random((len(category), CANDIDATES)) * (high - low)[:, None]
    candidates = (np.searchsorted(cumulative, draws, side="right") - 1).clip(0, catalogue.size - 1)
    relative_price, log_lift = catalogue.relative_price + np.log1p(-day.discount), np.log(day.lift)
    utility = p.item_taste * np.einsum("nd,ncd->nc", taste, catalogue.taste[candidates])
    utility -= p.price_weight * price_sensitivity[:, None] * relative_price[candidates]
    utility += log_lift[candidates] + rng.gumbel(size=utility.shape)
    return candidates[np.arange(len(category)), utility.argmax(axis=1)]


def category_scores(p: StoreParameters, catalogue: Catalogue, day: Day, taste: np.ndarray) -> np.ndarray:
    """Log-weight of every category for each taste (n, categories)."""
    share = np.log(CATEGORY_SHARES * day.category_factor)
    return p.category_taste * np.einsum("nd,cd->nc", taste, catalogue.category_taste) + share


def _draw_categories(
    p: StoreParameters,
    catalogue: Catalogue,
    day: Day,
    sessions: Sessions,
    session: np.ndarray,
    is_first: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """The category of each view: the session's own, or sometimes another that the customer likes."""
    scores = category_scores(p, catalogue, day, sessions.taste)
    own = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    elsewhere = np.flatnonzero(~is_first & (rng.random(len(session)) < OTHER_CATEGORY))
    other = scores[session[elsewhere]]
    category: np.ndarray = own[session]
    category[elsewhere] = (other + rng.gumbel(size=other.shape)).argmax(axis=1)
    return category
