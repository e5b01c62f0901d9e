"""The hierarchy above the series: categories, channels and the whole store, as sums that agree with their parts.

The mean of a level is the sum of the means below it, so every level tells one story. Bands do not add up (good and bad
days of many items cancel, a wet week does not), so each level's band is learnt from how far sums were off at earlier
origins, by forecasts that had not seen what they were compared with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtri

from models.demand.forecast import LEVELS, DemandForecast
from pipelines.families.demand.panel_builder import StoreDemand

NO_CATEGORY: Final = "no category"
TOTAL: Final = "total"
PRIOR_CELLS: Final = 28.0  # errors of one origin hang together: a level's own spread must earn its place
SMALLEST_MEAN: Final = 1e-3  # units; below it an error has no scale
_NORMAL_SCORES: Final = ndtri(np.array(LEVELS))


@dataclass(frozen=True)
class Level:
    """One level of the hierarchy: its nodes' names, and each series' node, -1 for none, (series,)."""

    name: str
    nodes: tuple[str, ...]
    member: np.ndarray

    def sums(self, values: np.ndarray) -> np.ndarray:
        """Values of series (series, steps) added up to nodes, (nodes, steps)."""
        total = np.zeros((len(self.nodes), values.shape[1]))
        is_member = self.member >= 0
        np.add.at(total, self.member[is_member], values[is_member])
        return total


@dataclass(frozen=True)
class PastForecast:
    """What was expected of each series at an earlier origin, and what came: (series, steps) each.

    `is_known` says which cells were seen; the others count neither as expected nor as sold.
    """

    mean: np.ndarray
    actual: np.ndarray
    is_known: np.ndarray


@dataclass(frozen=True)
class Spread:
    """How far sums stray from their means: variance = noise x mean + (share x mean)², and the shape of what is left.

    `factors` (levels,) widen or narrow a level; `scores` (len(LEVELS),) are quantiles of errors over their spread.
    """

    noise: float
    share: float
    factors: np.ndarray
    scores: np.ndarray

    def deviation(self, mean: np.ndarray) -> np.ndarray:
        """The standard error of sums with these means."""
        positive = np.maximum(mean, SMALLEST_MEAN)
        return np.asarray(np.sqrt(self.noise * positive + np.square(self.share * positive)))

    def quantiles(self, mean: np.ndarray, level: int) -> np.ndarray:
        """Quantiles for LEVELS on a new last axis."""
        distance = self.deviation(mean)[..., None] * (self.factors[level] * self.scores)
        return np.asarray(np.maximum(mean[..., None] + distance, 0))


def hierarchy(demand: StoreDemand) -> list[Level]:
    """The levels above the items of a store, the whole first; channels where they are told apart."""
    levels = [Level(TOTAL, ("",), np.zeros(len(demand.item), dtype=np.int64))]
    if demand.categories:
        levels.append(_categories(demand))
    if demand.channels:
        levels.append(Level("channel", demand.channels, demand.channel))
    return levels


def _categories(demand: StoreDemand) -> Level:
    """Items without a category are a node of their own, so that the level adds up to the store."""
    member = demand.category[demand.item]
    has_none = member < 0
    if not has_none.any():
        return Level("category", demand.categories, member)
    nodes = (*demand.categories, NO_CATEGORY)
    return Level("category", nodes, np.where(has_none, len(demand.categories), member))


def forecast_levels(
    levels: Sequence[Level], forecast: DemandForecast, past: Sequence[PastForecast]
) -> list[DemandForecast]:
    """Each level's forecast: means that are sums, and quantiles, of steps and of running sums, learnt from `past`."""
    steps = [_fit_spread(levels, past, running=False), _fit_spread(levels, past, running=True)]
    found = []
    for number, level in enumerate(levels):
        mean = level.sums(forecast.mean)
        found.append(
            DemandForecast(
                mean=mean,
                quantiles=steps[0].quantiles(mean, number),
                totals=steps[1].quantiles(np.cumsum(mean, axis=1), number),
            )
        )
    return found


def _fit_spread(levels: Sequence[Level], past: Sequence[PastForecast], *, running: bool) -> Spread:
    means, errors = zip(*(_level_errors(level, past, running) for level in levels), strict=True)
    mean, error = np.concatenate(means), np.concatenate(errors)
    if not len(mean):
        return Spread(1.0, 1.0, np.ones(len(levels)), _NORMAL_SCORES)
    noise, share = _variance(mean, error)
    spread = Spread(noise, share, np.ones(len(levels)), _NORMAL_SCORES)
    scaled = [part / spread.deviation(of) for of, part in zip(means, errors, strict=True)]
    factors = np.array([np.sqrt((np.square(z).sum() + PRIOR_CELLS) / (len(z) + PRIOR_CELLS)) for z in scaled])
    whole = np.concatenate([z / factor for z, factor in zip(scaled, factors, strict=True)])
    # Both signs count alike: a few windows cannot tell a lasting bias from chance.
    scores = np.quantile(np.concatenate([whole, -whole]), LEVELS)
    return Spread(noise, share, factors, scores)


def _level_errors(level: Level, past: Sequence[PastForecast], running: bool) -> tuple[np.ndarray, np.ndarray]:
    """Means and errors of all of a level's nodes, steps and origins, flat."""
    means, errors = [np.zeros(0)], [np.zeros(0)]
    for each in past:
        mean = level.sums(np.where(each.is_known, each.mean, 0))
        actual = level.sums(np.where(each.is_known, each.actual, 0))
        if running:
            mean, actual = np.cumsum(mean, axis=1), np.cumsum(actual, axis=1)
        counts = mean > SMALLEST_MEAN
        means.append(mean[counts])
        errors.append((actual - mean)[counts])
    return np.concatenate(means), np.concatenate(errors)


def _variance(mean: np.ndarray, error: np.ndarray) -> tuple[float, float]:
    """Noise and share by least squares of relative squared errors, none below 0; never both 0."""
    relative = np.square(error / mean)
    found, _ = nnls(np.column_stack([1 / mean, np.ones(len(mean))]), relative)
    noise, share = float(found[0]), float(np.sqrt(found[1]))
    return (noise, share) if noise > 0 or share > 0 else (1.0, 0.0)
