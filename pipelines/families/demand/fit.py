"""A fitted demand model of a store, for the demand family and for those that build on it, such as inventory."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Final, NamedTuple

import numpy as np

from models.demand.forecast import DemandForecast
from models.demand.model import DemandModel, fit_demand
from models.demand.panel import Panel
from pipelines.families.demand.hierarchy import Level, PastForecast, forecast_levels, hierarchy
from pipelines.families.demand.panel_builder import StoreDemand, of_items, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import TrainingData

MODELS_KEPT: Final = 2  # one that was fitted before a test window, and one that was fitted on everything
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


class _Key(NamedTuple):
    """What a fit depends on; the events are held, so that no other table takes their identity."""

    events: object
    catalogue: object
    rest: tuple[object, ...]


class _Last:
    """The fit that was made last: families of one training run share it, as they look at the same tables."""

    key: _Key | None = None
    fitted: FittedDemand | None = None


class _Models:
    """The last models of items, the latest one last: what one family was judged by serves the next one, too."""

    by_key: Final[dict[tuple[object, ...], DemandModel]] = {}


def demand_parameters(data: TrainingData) -> StoreDemandParameters:
    """The parameters of demand as the shop set them, or the defaults where another family's data do not carry them."""
    if isinstance(data.parameters, StoreDemandParameters):
        return data.parameters
    told = data.others.get("demand")
    return told if isinstance(told, StoreDemandParameters) else StoreDemandParameters()


def fitted_demand(data: TrainingData, parameters: StoreDemandParameters | None = None) -> FittedDemand:
    """Fit on every whole period before `data.as_of` and forecast from then on; asked again, the same fit.

    `parameters` are those of the demand family where None. Raises NotEnoughData and SettingsError.
    """
    wanted = demand_parameters(data) if parameters is None else parameters
    key = _Key(data.events, data.catalogue, (data.as_of, wanted, data.seed, data.threads))
    if _Last.fitted is None or not _is_same(_Last.key, key):
        _Last.key, _Last.fitted = key, fit_store(store_demand(data, wanted, data.as_of), wanted, data)
    return _Last.fitted


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
    """The model alone; of the same demand of items with the same settings the same one, without fitting it again."""
    wanted = parameters.of_model()
    if demand.channels:  # no other family asks for these
        return fit_demand(demand.panel, wanted, data.seed, data.threads, data.progress)
    key, kept = (_digest(demand.panel), wanted, data.seed, data.threads), _Models.by_key
    model = kept.pop(key) if key in kept else None
    kept[key] = model or fit_demand(demand.panel, wanted, data.seed, data.threads, data.progress)
    while len(kept) > MODELS_KEPT:
        del kept[next(iter(kept))]
    return kept[key]


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


def _is_same(before: _Key | None, key: _Key) -> bool:
    if before is None:
        return False
    return before.events is key.events and before.catalogue is key.catalogue and before.rest == key.rest
