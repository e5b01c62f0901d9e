"""Which items the visits of one day look at: an anchor, things like it, things of the same shelf, a second look."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.calendar import Day
from pipelines.simulate.catalogue import NEIGHBOURS, Catalogue
from pipelines.simulate.parameters import StoreParameters
from pipelines.simulate.sessions import Visits

CANDIDATES = 12
SHELF_SHARE = np.array([category.share for category in CATEGORIES])
VIEWS_LOG_MEAN, VIEWS_LOG_SIGMA = (0.75, 1.2), (0.95, 0.8)  # of visits without and with an order
MAX_VIEWS = 150
SECOND_LOOK, LIKE_THE_ANCHOR, OTHER_SHELF = 0.18, 0.36, 0.2


@dataclass(frozen=True)
class Views:
    """Columns over views, visit by visit; every visit has at least one."""

    visit: np.ndarray
    position: np.ndarray  # 0, 1, 2, ... within the visit
    item: np.ndarray
    first: np.ndarray  # (visits,) index of the visit's first view: its anchor


def draw_views(p: StoreParameters, catalogue: Catalogue, day: Day, visits: Visits, rng: np.random.Generator) -> Views:
    """The day's product views."""
    buys = visits.buys.astype(int)
    log_length = rng.normal(np.array(VIEWS_LOG_MEAN)[buys], np.array(VIEWS_LOG_SIGMA)[buys])
    lengths = np.round(np.exp(log_length)).clip(1, MAX_VIEWS).astype(np.int64)
    visit = np.repeat(np.arange(visits.count), lengths)
    first = np.cumsum(lengths) - lengths
    position = np.arange(len(visit)) - first[visit]
    shelf = _draw_shelves(p, catalogue, day, visits, visit, position == 0, rng)
    item = choose_items(p, catalogue, day, visits.taste[visit], visits.price_sensitivity[visit], shelf, rng)
    way = rng.random(len(visit))
    alike = catalogue.neighbours[item[first][visit], rng.integers(NEIGHBOURS, size=len(visit))]
    is_alike = (position > 0) & (way >= SECOND_LOOK) & (way < SECOND_LOOK + LIKE_THE_ANCHOR) & (day.weight[alike] > 0)
    item = np.where(is_alike, alike, item)
    # A second look points at an earlier view, which may itself be one: follow the pointers to their ends.
    again = (position > 0) & (way < SECOND_LOOK)
    source = np.where(again, first[visit] + (rng.random(len(visit)) * position).astype(np.int64), np.arange(len(visit)))
    while again[source].any():
        source = source[source]
    return Views(visit, position.astype(float), item[source], first)


def choose_items(
    p: StoreParameters,
    catalogue: Catalogue,
    day: Day,
    taste: np.ndarray,
    price_sensitivity: np.ndarray,
    shelf: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """One item for each (taste, shelf): a few candidates by weight, then the one with the highest noisy utility."""
    cumulative = np.concatenate([[0.0], np.cumsum(day.weight)])
    low, high = cumulative[catalogue.category_start[shelf]], cumulative[catalogue.category_start[shelf + 1]]
    draws = low[:, None] + rng.random((len(shelf), CANDIDATES)) * (high - low)[:, None]
    candidates = (np.searchsorted(cumulative, draws, side="right") - 1).clip(0, catalogue.size - 1)
    relative_price, log_lift = catalogue.relative_price + np.log1p(-day.discount), np.log(day.lift)
    utility = p.item_taste * np.einsum("nd,ncd->nc", taste, catalogue.taste[candidates])
    utility -= p.price_weight * price_sensitivity[:, None] * relative_price[candidates]
    utility += log_lift[candidates] + rng.gumbel(size=utility.shape)
    chosen: np.ndarray = candidates[np.arange(len(shelf)), utility.argmax(axis=1)]
    return chosen


def shelf_scores(p: StoreParameters, catalogue: Catalogue, day: Day, taste: np.ndarray) -> np.ndarray:
    """Log-weight of every category for each taste (n, categories)."""
    share = np.log(SHELF_SHARE * day.category_factor)
    scores: np.ndarray = p.category_taste * np.einsum("nd,cd->nc", taste, catalogue.category_taste) + share
    return scores


def _draw_shelves(
    p: StoreParameters,
    catalogue: Catalogue,
    day: Day,
    visits: Visits,
    visit: np.ndarray,
    is_first: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """The shelf of each view: the visit's own, or now and then another that the visitor likes."""
    scores = shelf_scores(p, catalogue, day, visits.taste)
    own = (scores + rng.gumbel(size=scores.shape)).argmax(axis=1)
    elsewhere = np.flatnonzero(~is_first & (rng.random(len(visit)) < OTHER_SHELF))
    other = scores[visit[elsewhere]]
    shelf: np.ndarray = own[visit]
    shelf[elsewhere] = (other + rng.gumbel(size=other.shape)).argmax(axis=1)
    return shelf
