"""The simulated store's items: public names and prices, hidden tastes and weights."""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pipelines.simulate.assortment import CATEGORIES, SIZES, Category
from pipelines.simulate.parameters import StoreParameters

COMPLEMENTS = 2
NEIGHBOURS = 5


@dataclass(frozen=True)
class Catalogue:
    """Columns over items; those of category c are `category_start[c] : category_start[c + 1]`."""

    item_id: list[str]
    name: list[str]
    brand: list[str]
    category: np.ndarray  # (items,) index into CATEGORIES
    category_start: np.ndarray  # (categories + 1,)
    price: np.ndarray  # (items,)
    relative_price: np.ndarray  # (items,) log of price over the category's median
    taste: np.ndarray  # (items, dims) unit vectors
    category_taste: np.ndarray  # (categories, dims) unit vectors
    weight: np.ndarray  # (items,) base demand, relative
    launch_day: np.ndarray  # (items,) first day on which it can be viewed and bought
    cycle_days: np.ndarray  # (items,) 0 where not used up
    complements: np.ndarray  # (items, COMPLEMENTS) items of the category that goes with it
    neighbours: np.ndarray  # (items, NEIGHBOURS) items of the same category with the nearest taste

    @property
    def size(self) -> int:
        return len(self.item_id)

    @property
    def return_rate(self) -> np.ndarray:
        return np.array([c.return_rate for c in CATEGORIES])[self.category]


def draw_catalogue(parameters: StoreParameters) -> Catalogue:
    """The store's items, by its seed."""
    rng = np.random.default_rng([parameters.seed, 1])
    counts = _items_per_category(parameters.items)
    category = np.repeat(np.arange(len(CATEGORIES)), counts)
    starts = np.concatenate([[0], np.cumsum(counts)])
    brand = np.array([rng.integers(len(CATEGORIES[c].brands)) for c in category])
    category_taste = unit(rng.normal(size=(len(CATEGORIES), parameters.taste_dims)))
    taste = _tastes(category, brand, category_taste, rng)
    medians = np.array([c.price_median for c in CATEGORIES])[category]
    price = _friendly(medians * np.exp(rng.normal(0, 0.5, parameters.items)))
    weight = np.exp(rng.normal(0, parameters.popularity_spread, parameters.items))
    cycle = np.array([c.cycle_days for c in CATEGORIES])[category] * rng.uniform(0.8, 1.3, parameters.items)
    numbers = rng.permutation(parameters.items) + 10_000
    return Catalogue(
        item_id=[f"P{number}" for number in numbers],
        name=[n for c, count in zip(CATEGORIES, counts, strict=True) for n in _names(c, count, rng)],
        brand=[CATEGORIES[c].brands[b] for c, b in zip(category, brand, strict=True)],
        category=category,
        category_start=starts,
        price=price,
        relative_price=np.log(price / medians),
        taste=taste,
        category_taste=category_taste,
        weight=weight,
        launch_day=_launch_days(parameters, starts, rng),
        cycle_days=np.round(cycle),
        complements=_complements(category, starts, taste, weight, rng),
        neighbours=_neighbours(starts, taste),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """The vectors (n, dims), scaled to length 1."""
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _items_per_category(items: int) -> np.ndarray:
    shares = np.array([c.share for c in CATEGORIES])
    counts = 1 + np.floor((items - len(CATEGORIES)) * shares / shares.sum()).astype(int)
    counts[: items - counts.sum()] += 1
    assert counts.sum() == items
    return counts


def _tastes(
    category: np.ndarray, brand: np.ndarray, category_taste: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    dims = category_taste.shape[1]
    brand_taste = unit(rng.normal(size=(len(CATEGORIES), 4, dims)))
    own = unit(rng.normal(size=(len(category), dims)))
    return unit(0.6 * category_taste[category] + 0.5 * brand_taste[category, brand] + 0.6 * own)


def _friendly(prices: np.ndarray) -> np.ndarray:
    """Prices rounded as shops do: 4.90, 12.50, 27.90."""
    steps = np.where(prices < 10, 0.5, np.where(prices < 40, 1.0, 5.0))
    return np.round(np.maximum(np.round(prices / steps), 1) * steps - 0.1, 2)


def _names(category: Category, count: int, rng: np.random.Generator) -> list[str]:
    """Distinct names; once the plain ones are used, a size is put before them."""
    plain = [f"{style} {noun}" for style in category.styles for noun in category.nouns]
    names: list[str] = []
    edition = 0
    while len(names) < count:
        size = SIZES[edition % len(SIZES)]
        mark = f" No. {edition // len(SIZES) + 1}" if edition >= len(SIZES) else ""
        names += [f"{size} {plain[i]}{mark}".strip() for i in rng.permutation(len(plain))]
        edition += 1
    return names[:count]


def _launch_days(parameters: StoreParameters, starts: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    launch = np.where(
        rng.random(parameters.items) < parameters.new_arrival_share,
        rng.integers(1, max(parameters.days, 2), parameters.items),
        0,
    )
    launch[starts[:-1]] = 0  # no category is ever empty
    return launch


def _complements(
    category: np.ndarray, starts: np.ndarray, taste: np.ndarray, weight: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    names = [c.name for c in CATEGORIES]
    partner = [names.index(c.goes_with) for c in CATEGORIES]
    chosen = np.empty((len(category), COMPLEMENTS), dtype=np.int64)
    for c, p in enumerate(partner):
        rows, columns = slice(starts[c], starts[c + 1]), slice(starts[p], starts[p + 1])
        score = 4 * taste[rows] @ taste[columns].T + 0.5 * np.log(weight[columns])
        score += rng.gumbel(size=score.shape)
        best = np.argsort(-score, axis=1, kind="stable")[:, :COMPLEMENTS]
        chosen[rows] = starts[p] + np.resize(best.T, (COMPLEMENTS, len(best))).T
    return chosen


def _neighbours(starts: np.ndarray, taste: np.ndarray) -> np.ndarray:
    """The nearest items of the category; an item that is alone is its own neighbour."""
    nearest = np.empty((len(taste), NEIGHBOURS), dtype=np.int64)
    for first, last in pairwise(starts):
        likeness = taste[first:last] @ taste[first:last].T
        if last - first > 1:
            np.fill_diagonal(likeness, -np.inf)
        order = np.argsort(-likeness, axis=1, kind="stable")[:, : min(NEIGHBOURS, max(last - first - 1, 1))]
        nearest[first:last] = first + np.resize(order.T, (NEIGHBOURS, len(order))).T
    return nearest
