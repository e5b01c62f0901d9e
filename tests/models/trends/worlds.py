"""Stores whose weekly sales and trends are known: counts around rates that wander from week to week."""

import numpy as np

from models.protocol import FitContext
from models.trends.model import TrendModel, TrendParameters, Trends
from models.trends.weekly_sales import WeeklyPanel

YEAR = 52.18


def weekly_sales(
    items: int,
    weeks: int,
    seed: int,
    slopes: np.ndarray | None = None,
    trend_weeks: int = 16,
    level: tuple[float, float] = (2.0, 60.0),
    wander: float = 0.2,
    memory: float = 0.0,
    season: float = 0.3,
    categories: int = 6,
) -> tuple[np.ndarray, np.ndarray]:
    """Units (items, weeks) and categories (items,).

    Each rate wanders by `wander` with a weekly autocorrelation of `memory`; categories have seasons of their own, and
    the whole store one besides; `slopes` (items,) grow over the last `trend_weeks`.
    """
    random = np.random.default_rng(seed)
    week = np.arange(weeks)
    category = random.integers(0, categories, items)
    phase = random.uniform(0, 2 * np.pi, categories)
    log_rate = np.log(np.exp(random.uniform(*np.log(level), items)))[:, None] + season * np.cos(
        2 * np.pi * week / YEAR + phase[category][:, None]
    )
    log_rate = log_rate + 0.3 * np.cos(2 * np.pi * week / YEAR) + wander * _wandering(items, weeks, memory, random)
    if slopes is not None:
        log_rate = log_rate + slopes[:, None] * np.maximum(week - (weeks - trend_weeks), 0)
    return random.poisson(np.exp(log_rate)).astype(float), category


def trends_of(
    units: np.ndarray,
    category: np.ndarray | None = None,
    exposure: np.ndarray | None = None,
    parameters: TrendParameters | None = None,
) -> Trends:
    """Trends of units (items, weeks), which were always on sale and have no category unless given."""
    codes = np.full(len(units), -1) if category is None else category
    panel = WeeklyPanel(units, np.ones_like(units) if exposure is None else exposure, codes)
    return TrendModel.fit(panel, parameters or TrendParameters(), FitContext()).predict(panel)


def some_slopes(items: int, share: float, seed: int) -> np.ndarray:
    """Growth per week: none for most, up or down by 4 to 12 % for a share of the items."""
    random = np.random.default_rng(seed + 10_000)
    signed = random.choice([-1, 1], items) * random.uniform(0.04, 0.12, items)
    return np.where(random.random(items) < share, signed, 0.0)


def _wandering(items: int, weeks: int, memory: float, random: np.random.Generator) -> np.ndarray:
    steps = random.normal(size=(items, weeks))
    steps[:, 1:] *= np.sqrt(1 - memory**2)
    for week in range(1, weeks):
        steps[:, week] += memory * steps[:, week - 1]
    return steps
