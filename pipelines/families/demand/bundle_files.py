"""The demand family's files in a bundle: forecasts by period, the recent past, and the levels of the hierarchy."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa

from contracts import bundle
from contracts import columns as c
from models.demand.forecast import HIGH, LOW, MEDIAN, DemandForecast
from pipelines.families.demand.hierarchy import HierarchyLevel
from pipelines.families.demand.panel_builder import StoreDemand

FORECAST_FILE: Final = PurePosixPath(bundle.FORECAST_FILE).name
HISTORY_FILE: Final = PurePosixPath(bundle.DEMAND_HISTORY_FILE).name
LEVELS_FILE: Final = PurePosixPath(bundle.DEMAND_LEVELS_FILE).name
LEVEL_TOTALS_FILE: Final = PurePosixPath(bundle.DEMAND_LEVEL_TOTALS_FILE).name
HISTORY_PERIODS: Final = {"day": 91, "week": 52, "month": 24}
_BANDS: Final = {c.UNITS_LOW: LOW, c.UNITS_MEDIAN: MEDIAN, c.UNITS_HIGH: HIGH}


def forecast_table(demand: StoreDemand, by_item: DemandForecast) -> pa.Table:
    """`columns.FORECAST` of the items, sorted by item, then day."""
    columns = {c.ITEM_ID: _names(demand.item_ids, by_item.horizon)} | _units(demand, by_item)
    return pa.table(columns, schema=c.FORECAST)


def history_table(demand: StoreDemand) -> pa.Table:
    """`columns.DEMAND_HISTORY` of the items' last periods. An item is observed where any of its channels is."""
    panel = demand.panel
    periods = min(HISTORY_PERIODS[panel.frequency.name], panel.periods)
    units = demand.aggregate_to_items(panel.units[:, -periods:])
    is_observed = demand.aggregate_to_items(panel.is_observed[:, -periods:]) > 0
    first = panel.frequency.date(panel.first, panel.periods - periods)
    dates = panel.frequency.dates(np.datetime64(first.item(), "D"), periods)
    columns = {
        c.ITEM_ID: _names(demand.item_ids, periods),
        c.DATE: pa.array(np.tile(dates, len(units)), pa.date32()),
        c.UNITS: pa.array(units.ravel().astype(np.float32)),
        c.IS_OBSERVED: pa.array(is_observed.ravel()),
    }
    return pa.table(columns, schema=c.DEMAND_HISTORY)


def levels_table(
    demand: StoreDemand, levels: Sequence[HierarchyLevel], forecasts: Sequence[DemandForecast]
) -> pa.Table:
    """`columns.LEVEL_FORECAST` of all levels above the items."""
    tables = []
    for level, forecast in zip(levels, forecasts, strict=True):
        nodes, in_order = _largest_first(level, forecast)
        columns = _nodes(level, np.repeat(nodes, forecast.horizon)) | _units(demand, in_order)
        tables.append(pa.table(columns, schema=c.LEVEL_FORECAST))
    return pa.concat_tables(tables)


def level_totals_table(levels: Sequence[HierarchyLevel], forecasts: Sequence[DemandForecast]) -> pa.Table:
    """`columns.LEVEL_TOTALS`: the whole horizon of each of them."""
    tables = []
    for level, forecast in zip(levels, forecasts, strict=True):
        nodes, in_order = _largest_first(level, forecast)
        quantiles = in_order.total(forecast.horizon)
        columns = {name: pa.array(quantiles[:, index]) for name, index in _BANDS.items()}
        columns |= {c.UNITS_MEAN: pa.array(in_order.mean.sum(axis=1))}
        tables.append(pa.table(_nodes(level, nodes) | columns, schema=c.LEVEL_TOTALS))
    return pa.concat_tables(tables)


def _largest_first(level: HierarchyLevel, forecast: DemandForecast) -> tuple[np.ndarray, DemandForecast]:
    """The nodes' names and forecasts, the largest mean first; the store as a whole is named after its level."""
    names = np.array([name or level.name for name in level.nodes])
    order = np.lexsort((names, -forecast.mean.sum(axis=1)))
    cumulative = None if forecast.cumulative is None else forecast.cumulative[order]
    return names[order], DemandForecast(forecast.mean[order], forecast.quantiles[order], cumulative)


def _nodes(level: HierarchyLevel, names: np.ndarray) -> dict[str, pa.Array]:
    return {c.LEVEL: pa.repeat(level.name, len(names)), c.NODE_NAME: pa.array(names, pa.string())}


def _names(names: np.ndarray, periods: int) -> pa.Array:
    return pa.array(np.repeat(names, periods), pa.string())


def _units(demand: StoreDemand, forecast: DemandForecast) -> dict[str, pa.Array]:
    """Date, low, median, high and mean of each row and step, flat."""
    rows, steps = forecast.mean.shape
    dates = demand.panel.frequency.dates(demand.end, steps)
    values = {name: forecast.quantiles[..., index] for name, index in _BANDS.items()} | {c.UNITS_MEAN: forecast.mean}
    flat = {name: pa.array(value.ravel().astype(np.float32)) for name, value in values.items()}
    return {c.DATE: pa.array(np.tile(dates, rows), pa.date32())} | flat
