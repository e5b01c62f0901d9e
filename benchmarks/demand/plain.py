"""Baselines without a model: what the item sold lately, what it sold on like days, and nothing.

All windows were fixed before the first run.
"""

from typing import Final

import numpy as np

from benchmarks.demand.data import LEVELS, Answer, Origin
from models.demand import baseline
from models.demand.forecast import QUANTILE_LEVELS, at_levels

LIKE_PERIODS: Final = 8
FEWEST_LIKE: Final = 4  # with fewer like periods, the series' recent ones
MAX_FLAG_VALUES: Final = 16  # a covariate with more distinct values is no flag


def zero(origin: Origin, seed: int, threads: int) -> Answer:
    """Nothing sells."""
    shape = origin.actual.shape
    return Answer(np.zeros(shape), np.zeros((*shape, len(LEVELS))))


def own_recent(origin: Origin, seed: int, threads: int) -> Answer:
    """Mean and quantiles of the series' own last 56 days, or 12 weeks or months."""
    found = baseline.own_recent(origin.past, origin.horizon)
    return Answer(found.mean, at_levels(found.quantiles, LEVELS))


def last_like_days(origin: Origin, seed: int, threads: int) -> Answer:
    """Mean and quantiles of the last LIKE_PERIODS at the same place in the cycle under the same flags."""
    panel, recent = origin.past, baseline.own_recent(origin.past, origin.horizon)
    shape = panel.series, origin.horizon
    mean, quantiles = np.zeros(shape), np.zeros((*shape, len(QUANTILE_LEVELS)))
    period = np.arange(panel.periods + origin.horizon)
    place = period % panel.frequency.cycle
    flags = [values for values in panel.future.values() if len(np.unique(values)) <= MAX_FLAG_VALUES]
    known = panel.is_observed & (period[: panel.periods] >= panel.first_sale[:, None])
    for step in range(origin.horizon):
        target = panel.periods + step
        is_like = known & (place[: panel.periods] == place[target])
        for values in flags:
            is_like &= values[:, : panel.periods] == values[:, target, None]
        newest = np.cumsum(is_like[:, ::-1], axis=1)[:, ::-1] <= LIKE_PERIODS
        found, ends = baseline.sample_quantiles(np.where(is_like & newest, panel.units, np.nan))
        enough = is_like.sum(axis=1) >= FEWEST_LIKE
        mean[:, step] = np.where(enough, found, recent.mean[:, step])
        quantiles[:, step] = np.where(enough[:, None], ends, recent.quantiles[:, step])
    return Answer(mean, at_levels(quantiles, LEVELS))
