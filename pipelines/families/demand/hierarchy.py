"""The hierarchy above the series: categories, channels and the whole store, reconciled bottom-up.

The mean of a level is the sum of the means below it, so that all levels agree. Bands do not add up: good and bad days
of many items cancel, a wet week does not. So each level's band is learned from the errors of sums at earlier origins,
out of sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtri

from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from pipelines.families.demand.panel_builder import StoreDemand

NO_CATEGORY: Final = "no category"
TOTAL: Final = "total"
PRIOR_CELLS: Final = 28.0  # shrink a level's factor towards 1, since errors of one origin are correlated
SMALLEST_MEAN: Final = 1e-3  # units; below it an error has no scale
_NORMAL_SCORES: Final = ndtri(np.array(QUANTILE_LEVELS))


@dataclass(frozen=True)
class HierarchyLevel:
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
    """The forecast mean of each series at an earlier origin, and the actual units: (series, steps) each.

    Cells without `is_observed` count neither as forecast nor as sold.
    """

    mean: np.ndarray
    actual: np.ndarray
    is_observed: np.ndarray


@dataclass(frozen=True)
class ErrorModel:
    """Errors of sums: their variance is noise x mean + (share x mean)².

    `factors` (levels,) widen or narrow a level; `scores` (QUANTILE_LEVELS,) are quantiles of errors over deviations.
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
        """Quantiles for QUANTILE_LEVELS on a new last axis."""
        distance = self.deviation(mean)[..., None] * (self.factors[level] * self.scores)
        return np.asarray(np.maximum(mean[..., None] + distance, 0))


def hierarchy(demand: StoreDemand) -> list[HierarchyLevel]:
    """The levels above the items of a store: the total, categories if there are any, channels if they are forecast."""
    levels = [HierarchyLevel(TOTAL, ("",), np.zeros(len(demand.item), dtype=np.int64))]
    if demand.categories:
        levels.append(_categories(demand))
    if demand.channels:
        levels.append(HierarchyLevel("channel", demand.channels, demand.channel))
    return levels


def _categories(demand: StoreDemand) -> HierarchyLevel:
    """Items without a category are a node of their own, so that the level adds up to the store."""
    member = demand.category[demand.item]
    has_none = member < 0
    if not has_none.any():
        return HierarchyLevel("category", demand.categories, member)
    nodes = (*demand.categories, NO_CATEGORY)
    return HierarchyLevel("category", nodes, np.where(has_none, len(demand.categories), member))


def forecast_levels(
    levels: Sequence[HierarchyLevel], forecast: DemandForecast, past: Sequence[PastForecast]
) -> list[DemandForecast]:
    """Each level's forecast: means are sums; quantiles of steps and of cumulative demand are learned from `past`."""
    steps = [_fit_errors(levels, past, running=False), _fit_errors(levels, past, running=True)]
    found = []
    for number, level in enumerate(levels):
        mean = level.sums(forecast.mean)
        found.append(
            DemandForecast(
                mean=mean,
                quantiles=steps[0].quantiles(mean, number),
                cumulative=steps[1].quantiles(np.cumsum(mean, axis=1), number),
            )
        )
    return found


def _fit_errors(levels: Sequence[HierarchyLevel], past: Sequence[PastForecast], *, running: bool) -> ErrorModel:
    means, errors = zip(*(_level_errors(level, past, running) for level in levels), strict=True)
    mean, error = np.concatenate(means), np.concatenate(errors)
    if not len(mean):
        return ErrorModel(1.0, 1.0, np.ones(len(levels)), _NORMAL_SCORES)
    noise, share = _variance(mean, error)
    model = ErrorModel(noise, share, np.ones(len(levels)), _NORMAL_SCORES)
    scaled = [part / model.deviation(of) for of, part in zip(means, errors, strict=True)]
    factors = np.array([np.sqrt((np.square(z).sum() + PRIOR_CELLS) / (len(z) + PRIOR_CELLS)) for z in scaled])
    whole = np.concatenate([z / factor for z, factor in zip(scaled, factors, strict=True)])
    # Errors are made symmetric: a few windows cannot tell a lasting bias from chance.
    scores = np.quantile(np.concatenate([whole, -whole]), QUANTILE_LEVELS)
    return ErrorModel(noise, share, factors, scores)


def _level_errors(level: HierarchyLevel, past: Sequence[PastForecast], running: bool) -> tuple[np.ndarray, np.ndarray]:
    """Means and errors of all of a level's nodes, steps and origins, flat."""
    means, errors = [np.zeros(0)], [np.zeros(0)]
    for each in past:
        mean = level.sums(np.where(each.is_observed, each.mean, 0))
        actual = level.sums(np.where(each.is_observed, each.actual, 0))
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
