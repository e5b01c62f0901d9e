"""Fits of a store's demand, and the hierarchy above its series: categories, channels and the store, bottom-up.

The mean of a level is the sum of the means below it, so that all levels agree. Bands do not add up: good and bad days
of many items cancel, a wet week does not. So each level's band is learned from the errors of sums at earlier origins,
out of sample. The fits are also those of families that require this one, such as inventory.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np
from scipy.optimize import nnls
from scipy.special import ndtri

from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from models.demand.model import DemandModel
from models.demand.panel import Panel
from models.protocol import FitContext
from pipelines.families.demand.panel_builder import StoreDemand, items_as_series, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import TrainingData

RATIO_LIMITS: Final = (0.2, 5.0)  # of two means, so that quantiles stay finite where a mean is nearly 0
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


@dataclass(frozen=True)
class FittedDemand:
    """A store's demand, and forecasts of its series, its items and the levels above them.

    `items` is the demand with one series per item. `forecast` is that of the items; its means are the sums of their
    series' means. `method` (items,) names the methods. `past` are the model's own backtest forecasts of the series,
    with the actual units.
    """

    demand: StoreDemand
    items: StoreDemand
    by_series: DemandForecast
    forecast: DemandForecast
    method: np.ndarray
    past: list[PastForecast]
    levels: list[HierarchyLevel]
    by_level: list[DemandForecast]

    @property
    def item_ids(self) -> np.ndarray:
        return self.demand.item_ids

    @property
    def end(self) -> np.datetime64:
        """The first day that is forecast."""
        return self.demand.end


def fitted_demand(data: TrainingData, parameters: StoreDemandParameters) -> FittedDemand:
    """Fit on every whole period before `data.as_of` and forecast from then on; once in a run.

    Raises NotEnoughData and SettingsError.
    """
    key = (FittedDemand, data.as_of, parameters, data.seed, data.threads)

    def fit() -> FittedDemand:
        return fit_store(store_demand(data, parameters, data.as_of), parameters, data)

    return data.cache.once(key, fit, (data.events, data.catalogue))


def fit_store(demand: StoreDemand, parameters: StoreDemandParameters, data: TrainingData) -> FittedDemand:
    """Fit on this demand, and forecast its series, its items and all levels above them."""
    model = fit_store_demand(demand, parameters, data)
    by_series, method = model.predict(demand.panel), model.method(demand.panel)
    items, forecast = demand, by_series
    if demand.channels:
        items = items_as_series(demand)
        of_items = fit_store_demand(items, parameters, data)
        method = of_items.method(items.panel)
        forecast = coherent(of_items.predict(items.panel), demand.aggregate_to_items(by_series.mean))
    levels, past = hierarchy(demand), past_forecasts(model, demand.panel)
    by_level = forecast_levels(levels, by_series, past)
    return FittedDemand(demand, items, by_series, forecast, method, past, levels, by_level)


def coherent(forecast: DemandForecast, mean: np.ndarray) -> DemandForecast:
    """A forecast with another mean, (series, steps); all quantiles change in proportion.

    For an item in channels, the mean is the sum over its channels; its bands come from a model of its own past.
    """
    ratio = _ratio(mean, forecast.mean)
    running = _ratio(np.cumsum(mean, axis=1), np.cumsum(forecast.mean, axis=1))
    cumulative = None if forecast.cumulative is None else forecast.cumulative * running[..., None]
    return DemandForecast(mean, forecast.quantiles * ratio[..., None], cumulative, forecast.is_count)


def _ratio(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    ratio = np.divide(wanted, given, out=np.ones(given.shape), where=given > 0)
    return np.asarray(np.clip(ratio, *RATIO_LIMITS))


def fit_store_demand(demand: StoreDemand, parameters: StoreDemandParameters, data: TrainingData) -> DemandModel:
    """The model alone; for the same panel, settings and seed it is fitted once in a run."""
    settings = parameters.of_model()

    def fit() -> DemandModel:
        return DemandModel.fit(demand.panel, settings, FitContext(data.seed, data.threads, data.progress))

    if demand.channels:  # no other family asks for these
        return fit()
    return data.cache.once((DemandModel, _digest(demand.panel), settings, data.seed, data.threads), fit)


def past_forecasts(model: DemandModel, panel: Panel) -> list[PastForecast]:
    """The model's own backtest forecasts at earlier origins, with the actual units; of all series or a sample."""
    past, found = model.past, []
    for origin in np.unique(past.origin):
        chosen = past.origin == origin
        cells = past.series[chosen], past.target[chosen] - int(origin)
        mean, actual, is_observed = (np.zeros((panel.series, model.parameters.horizon)) for _ in range(3))
        mean[cells], actual[cells], is_observed[cells] = past.mean[chosen], past.units[chosen], 1
        found.append(PastForecast(mean, actual, is_observed > 0))
    return found


def _digest(panel: Panel) -> bytes:
    """Equal for equal panels only, and a few bytes instead of the panel."""
    digest = blake2b(repr((panel.frequency, panel.first)).encode())
    cells = {"units": panel.units, "is_observed": panel.is_observed}
    for kind, named in enumerate((cells, panel.future, panel.attributes, panel.groups)):
        for name, values in named.items():
            digest.update(repr((kind, name, values.dtype.str, values.shape)).encode())
            digest.update(np.ascontiguousarray(values).data)
    return digest.digest()


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
    """Each level's forecast: means are sums; quantiles of steps and of cumulative demand are learned from `past`.

    A node sells whole units where all its series do.
    """
    steps = [_fit_errors(levels, past, running=False), _fit_errors(levels, past, running=True)]
    found = []
    for number, level in enumerate(levels):
        mean = level.sums(forecast.mean)
        found.append(
            DemandForecast(
                mean=mean,
                quantiles=steps[0].quantiles(mean, number),
                cumulative=steps[1].quantiles(np.cumsum(mean, axis=1), number),
                is_count=None if forecast.is_count is None else level.sums(~forecast.is_count[:, None])[:, 0] == 0,
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
