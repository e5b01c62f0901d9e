"""Fits of a store's demand, for the demand family and for families that require it, such as inventory."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from models.demand.forecast import DemandForecast
from models.demand.model import DemandModel
from models.demand.panel import Panel
from models.protocol import FitContext
from pipelines.families.demand.hierarchy import HierarchyLevel, PastForecast, forecast_levels, hierarchy
from pipelines.families.demand.panel_builder import StoreDemand, items_as_series, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import TrainingData

RATIO_LIMITS: Final = (0.2, 5.0)  # of two means, so that quantiles stay finite where a mean is nearly 0


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
    by_series, (method, _) = model.predict_and_explain(demand.panel)
    items, forecast = demand, by_series
    if demand.channels:
        items = items_as_series(demand)
        by_item, (method, _) = fit_store_demand(items, parameters, data).predict_and_explain(items.panel)
        forecast = coherent(by_item, demand.aggregate_to_items(by_series.mean))
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
    return DemandForecast(mean, forecast.quantiles * ratio[..., None], cumulative)


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
