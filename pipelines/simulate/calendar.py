"""The conditions of each day in the simulated store: seasons, weekdays, promotions, stock-outs, new items."""

from dataclasses import dataclass

import numpy as np

from pipelines.simulate.assortment import CATEGORIES
from pipelines.simulate.catalogue import Catalogue
from pipelines.simulate.parameters import StoreParameters

STORE_PEAK_DAY = 340
DISCOUNTS = (0.1, 0.15, 0.2, 0.25, 0.3)
WEEK_DAYS = 7
DAYS_PLANNED = 35  # days after the last one whose promotions are planned


@dataclass(frozen=True)
class Day:
    """One day's conditions."""

    number: int
    traffic: float  # factor on the number of sessions
    category_factor: np.ndarray  # (categories,)
    weight: np.ndarray  # (items,) 0 before launch
    lift: np.ndarray  # (items,) factor on the odds of being chosen, 1 without a promotion
    discount: np.ndarray  # (items,) share of the price that is cut
    out_of_stock: np.ndarray  # (items,) bool
    price: np.ndarray  # (items,) today


class Calendar:
    """The conditions of every day, drawn once; its arrays are (days, items) of one byte."""

    def __init__(self, parameters: StoreParameters, catalogue: Catalogue) -> None:
        self._parameters = parameters
        self._catalogue = catalogue
        rng = np.random.default_rng([parameters.seed, 2])
        promotions = _promotions(parameters, parameters.days, rng)
        self.discount_percent = promotions[: parameters.days]
        self.planned_percent = _planned(parameters, promotions)  # (DAYS_PLANNED, items) from the day after the last
        self.out_of_stock = _stock_outs(parameters, rng)
        self._peak = np.array([c.peak_day for c in CATEGORIES])
        self._amplitude = np.array([c.amplitude for c in CATEGORIES])

    def day(self, number: int) -> Day:
        """The conditions of day `number`, counted from 0."""
        p, items = self._parameters, self._catalogue
        date = p.date_of(number)
        day_of_year = date.timetuple().tm_yday
        discount = self.discount_percent[number] / 100.0
        age = number - items.launch_day
        novelty = np.where(items.launch_day > 0, p.novelty_boost * np.exp(-age.clip(0) / p.novelty_days), 0.0)
        season = seasonal_factor(day_of_year, np.array(STORE_PEAK_DAY), np.array(p.season_amplitude))
        return Day(
            number=number,
            traffic=float(p.weekday_factors[date.weekday()] * season),
            category_factor=seasonal_factor(day_of_year, self._peak, self._amplitude),
            weight=np.where(age >= 0, items.weight * (1 + novelty), 0.0),
            lift=np.where(discount > 0, p.promotion_lift, 1.0),
            discount=discount,
            out_of_stock=self.out_of_stock[number],
            price=np.round(items.price * (1 - discount), 2),
        )


def seasonal_factor(day_of_year: int, peak_day: np.ndarray, amplitude: np.ndarray) -> np.ndarray:
    """1 + amplitude x cosine of the distance to the peak, over a year."""
    return 1 + amplitude * np.cos(2 * np.pi * (day_of_year - peak_day) / 365.25)


def _promotions(parameters: StoreParameters, days: int, rng: np.random.Generator) -> np.ndarray:
    """Percent off per day of whole weeks and item; promotions run for a week, counted from the first day."""
    weeks = -(-days // WEEK_DAYS)
    promoted = rng.random((weeks, parameters.items)) < parameters.promotion_share
    depth = rng.choice(np.array(DISCOUNTS) * 100, size=promoted.shape)
    return np.repeat(np.where(promoted, depth, 0).astype(np.uint8), WEEK_DAYS, axis=0)


def _planned(parameters: StoreParameters, promotions: np.ndarray) -> np.ndarray:
    """The promotions after the last day: those that still run, then planned ones from a separate random stream."""
    further = _promotions(parameters, DAYS_PLANNED, np.random.default_rng([parameters.seed, 6]))
    return np.vstack([promotions[parameters.days :], further])[:DAYS_PLANNED]


def _stock_outs(parameters: StoreParameters, rng: np.random.Generator) -> np.ndarray:
    out = np.zeros((parameters.days, parameters.items), dtype=bool)
    expected = parameters.stock_outs_per_year * parameters.days / 365.25
    for item, spells in enumerate(rng.poisson(expected, parameters.items)):
        for first in rng.integers(0, parameters.days, spells):
            out[first : first + 1 + rng.poisson(parameters.stock_out_days_mean - 1), item] = True
    return out
