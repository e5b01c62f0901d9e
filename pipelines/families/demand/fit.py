"""A fitted demand model of a store, for the demand family and for those that build on it, such as inventory."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

import numpy as np

from models.demand.forecast import DemandForecast
from models.demand.model import DemandModel, fit_demand
from models.demand.panel import Panel
from pipelines.families.demand.hierarchy import Level, PastForecast, forecast_levels, hierarchy
from pipelines.families.demand.panel_builder import StoreDemand, of_items, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import TrainingData

RATIO_LIMITS: Final = (0.2, 5.0)  # where a mean is next to nothing, its quantiles must not explode


@dataclass(frozen=True)
class FittedDemand:
    """A store's demand, the model fitted on all of it, and what it forecasts: of series, of items, and of the levels.

    `forecast` is that of the items, whose means are the sums of their series', and `method` (items,) says how each was
    made. `past` is what the model's own backtest expected of the series, and what came.
    """

    demand: StoreDemand
    by_series: DemandForecast
    forecast: DemandForecast
    method: np.ndarray
    past: list[PastForecast]
    levels: list[Level]
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
    by_series = model.predict(demand.panel)
    forecast, method = by_series, model.route(demand.panel)[0]
    if demand.channels:
        items = of_items(demand)
        of_item = fit_store_demand(items, parameters, data)
        forecast = coherent(of_item.predict(items.panel), demand.of_items(by_series.mean))
        method = of_item.route(items.panel)[0]
    levels, past = hierarchy(demand), past_forecasts(model, demand.panel)
    by_level = forecast_levels(levels, by_series, past)
    return FittedDemand(demand, by_series, forecast, method, past, levels, by_level)


def coherent(forecast: DemandForecast, mean: np.ndarray) -> DemandForecast:
    """A forecast with another mean, (series, steps): its quantiles are moved in proportion, those of sums alike.

    Of an item in channels, the channels say how much, and the item's own model, judged on the item's own past, how sure
    that is.
    """
    ratio = _ratio(mean, forecast.mean)
    running = _ratio(np.cumsum(mean, axis=1), np.cumsum(forecast.mean, axis=1))
    totals = None if forecast.totals is None else forecast.totals * running[..., None]
    return DemandForecast(mean, forecast.quantiles * ratio[..., None], totals)


def _ratio(wanted: np.ndarray, given: np.ndarray) -> np.ndarray:
    ratio = np.divide(wanted, given, out=np.ones(given.shape), where=given > 0)
    limited: np.ndarray = np.clip(ratio, *RATIO_LIMITS)
    return limited


def fit_store_demand(demand: StoreDemand, parameters: StoreDemandParameters, data: TrainingData) -> DemandModel:
    """The model alone; for the same panel, settings and seed it is fitted once in a run."""
    wanted = parameters.of_model()

    def fit() -> DemandModel:
        return fit_demand(demand.panel, wanted, data.seed, data.threads, data.progress)

    if demand.channels:  # no other family asks for these
        return fit()
    return data.cache.once((DemandModel, _digest(demand.panel), wanted, data.seed, data.threads), fit)


def past_forecasts(model: DemandModel, panel: Panel) -> list[PastForecast]:
    """What the model's own backtest expected at earlier origins, beside what came; of all series or a sample."""
    past, found = model.past, []
    for origin in np.unique(past.origin):
        chosen = past.origin == origin
        cells = past.series[chosen], past.target[chosen] - int(origin)
        mean, actual, is_known = (np.zeros((panel.series, model.parameters.horizon)) for _ in range(3))
        mean[cells], actual[cells], is_known[cells] = past.mean[chosen], past.units[chosen], 1
        found.append(PastForecast(mean, actual, is_known > 0))
    return found


def _digest(panel: Panel) -> bytes:
    """Equal for equal panels only, and a few bytes instead of the panel."""
    digest = blake2b(repr((panel.frequency, panel.first)).encode())
    cells = {"units": panel.units, "is_known": panel.is_known}
    for kind, named in enumerate((cells, panel.future, panel.attributes, panel.groups)):
        for name, values in named.items():
            digest.update(repr((kind, name, values.dtype.str, values.shape)).encode())
            digest.update(np.ascontiguousarray(values).data)
    return digest.digest()
