"""The demand family's baselines in the place of its model: the same forecasts, files and columns, without a fit."""

from typing import Final

import numpy as np

from models.demand.forecast import DemandForecast
from models.demand.panel import Panel
from pipelines.families.demand.evaluation import BASELINES, ActualDemand, stronger_baseline
from pipelines.families.demand.fit import FittedDemand, PastForecast, coherent, forecast_levels, hierarchy
from pipelines.families.demand.panel_builder import StoreDemand, items_as_series

PAST_WINDOWS: Final = 3  # horizons, from whose errors the bands of the levels are learned
DEFAULT: Final = "own_recent_sales"  # where the past is shorter than two horizons


def baseline_demand(demand: StoreDemand, horizon: int) -> FittedDemand:
    """Forecast with the baseline that had less pinball loss in the last horizon."""
    name = stronger_lately(demand.panel, horizon)
    by_series, past = BASELINES[name](demand.panel, horizon), _past(name, demand.panel, horizon)
    items, forecast = demand, by_series
    if demand.channels:
        items = items_as_series(demand)
        forecast = coherent(BASELINES[name](items.panel, horizon), demand.aggregate_to_items(by_series.mean))
    levels = hierarchy(demand)
    by_level = forecast_levels(levels, by_series, past)
    method = np.full(len(forecast.mean), name)
    return FittedDemand(demand, items, by_series, forecast, method, past, levels, by_level)


def stronger_lately(panel: Panel, horizon: int) -> str:
    """The baseline with less pinball loss in the last horizon of the panel."""
    if panel.periods < 2 * horizon:
        return DEFAULT
    outcome = ActualDemand(panel.units[:, -horizon:].astype(np.float64), panel.is_observed[:, -horizon:], {})
    return stronger_baseline(outcome, panel.before(panel.periods - horizon), horizon)[0]


def _past(name: str, panel: Panel, horizon: int) -> list[PastForecast]:
    """The baseline's forecasts at earlier origins, with what then sold."""
    origins = [panel.periods - number * horizon for number in range(1, PAST_WINDOWS + 1)]
    return [
        PastForecast(_mean(name, panel.before(origin), horizon), *_cells(panel, origin, horizon))
        for origin in origins
        if origin >= horizon
    ]


def _mean(name: str, panel: Panel, horizon: int) -> np.ndarray:
    forecast: DemandForecast = BASELINES[name](panel, horizon)
    return forecast.mean


def _cells(panel: Panel, origin: int, horizon: int) -> tuple[np.ndarray, np.ndarray]:
    window = slice(origin, origin + horizon)
    return panel.units[:, window].astype(np.float64), panel.is_observed[:, window]
