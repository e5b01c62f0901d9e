"""What the demand family puts into a bundle: forecasts by day, the recent past beside them, and the levels above."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Final

import numpy as np
import pyarrow as pa

from contracts import bundle
from contracts import columns as c
from models.demand_forecast import HIGH, LOW, MEDIAN, DemandForecast
from pipelines.families.demand_levels import Level
from pipelines.families.demand_store import StoreDemand

FORECAST_FILE: Final = PurePosixPath(bundle.FORECAST_FILE).name
HISTORY_FILE: Final = PurePosixPath(bundle.DEMAND_HISTORY_FILE).name
LEVELS_FILE: Final = "levels.arrow"
LEVEL: Final = "level"
NODE: Final = "name"
HISTORY_PERIODS: Final = {"day": 91, "week": 52, "month": 24}

# The store, its categories and its channels: one row per level, node and period.
LEVEL_FORECAST: Final = pa.schema(
    [pa.field(LEVEL, pa.string(), nullable=False), pa.field(NODE, pa.string(), nullable=False)]
    + [field for field in c.FORECAST if field.name != c.ITEM_ID]
)


def forecast_table(demand: StoreDemand, by_item: DemandForecast) -> pa.Table:
    """`columns.FORECAST` of the items, sorted by item, then day."""
    columns = {c.ITEM_ID: _names(demand.item_ids, by_item.horizon)} | _units(demand, by_item)
    return pa.table(columns, schema=c.FORECAST)


def history_table(demand: StoreDemand) -> pa.Table:
    """`columns.DEMAND_HISTORY` of the items' last periods. An item is seen where any of its channels was."""
    panel = demand.panel
    periods = min(HISTORY_PERIODS[panel.frequency.name], panel.periods)
    units = demand.of_items(panel.units[:, -periods:])
    is_known = demand.of_items(panel.is_known[:, -periods:]) > 0
    first = panel.frequency.date(panel.first, panel.periods - periods)
    dates = panel.frequency.dates(np.datetime64(first.item(), "D"), periods)
    columns = {
        c.ITEM_ID: _names(demand.item_ids, periods),
        c.DATE: pa.array(np.tile(dates, len(units)), pa.date32()),
        c.UNITS: pa.array(units.ravel().astype(np.float32)),
        c.IS_KNOWN: pa.array(is_known.ravel()),
    }
    return pa.table(columns, schema=c.DEMAND_HISTORY)


def levels_table(demand: StoreDemand, levels: Sequence[Level], forecasts: Sequence[DemandForecast]) -> pa.Table:
    """`LEVEL_FORECAST` of all levels above the items."""
    tables = []
    for level, forecast in zip(levels, forecasts, strict=True):
        names = _names(np.array(level.nodes), forecast.horizon)
        columns = {LEVEL: pa.array([level.name] * len(names), pa.string()), NODE: names} | _units(demand, forecast)
        tables.append(pa.table(columns, schema=LEVEL_FORECAST))
    return pa.concat_tables(tables)


def _names(names: np.ndarray, periods: int) -> pa.Array:
    return pa.array(np.repeat(names, periods), pa.string())


def _units(demand: StoreDemand, forecast: DemandForecast) -> dict[str, pa.Array]:
    """Date, low, median, high and mean of each row and step, flat."""
    rows, steps = forecast.mean.shape
    dates = demand.panel.frequency.dates(demand.end, steps)
    low, median, high = (forecast.quantiles[..., place] for place in (LOW, MEDIAN, HIGH))
    values = {c.UNITS_LOW: low, c.UNITS_MEDIAN: median, c.UNITS_HIGH: high, c.UNITS_MEAN: forecast.mean}
    flat = {name: pa.array(value.ravel().astype(np.float32)) for name, value in values.items()}
    return {c.DATE: pa.array(np.tile(dates, rows), pa.date32())} | flat
