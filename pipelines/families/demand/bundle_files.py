"""What the demand family publishes: columns of items, and files of forecasts, recent sales and hierarchy levels."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import bundle
from contracts import columns as c
from contracts.bundle import write_table
from models.demand.forecast import HIGH, LOW, MEDIAN, DemandForecast
from models.demand.panel import CLASSES, demand_class
from pipelines.families.demand.fit import FittedDemand, HierarchyLevel
from pipelines.families.demand.panel_builder import StoreDemand
from pipelines.families.demand.parameters import StoreDemandParameters

FORECAST_FILE: Final = PurePosixPath(bundle.FORECAST_FILE).name
HISTORY_FILE: Final = PurePosixPath(bundle.DEMAND_HISTORY_FILE).name
LEVELS_FILE: Final = PurePosixPath(bundle.DEMAND_LEVELS_FILE).name
LEVEL_TOTALS_FILE: Final = PurePosixPath(bundle.DEMAND_LEVEL_TOTALS_FILE).name
HISTORY_PERIODS: Final = {"day": 91, "week": 52, "month": 24}
PARAMETERS_FILE: Final = "parameters.json"
DAILY_UNITS_RECENT: Final = "daily_units_recent"
DEMAND_CLASS: Final = "demand_class"
FORECAST_METHOD: Final = "forecast_method"
RECENT_PERIODS: Final = {"day": 28, "week": 4, "month": 1}
RECENT_WORDS: Final = {"day": "28 days", "week": "4 weeks", "month": "whole month"}
_BANDS: Final = {c.UNITS_LOW: LOW, c.UNITS_MEDIAN: MEDIAN, c.UNITS_HIGH: HIGH}


def write_files(folder: Path, fitted: FittedDemand, parameters: StoreDemandParameters) -> None:
    """Write the family's files into its folder in the bundle."""
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / FORECAST_FILE, forecast_table(fitted.demand, fitted.forecast))
    write_table(folder / HISTORY_FILE, history_table(fitted.items))
    write_table(folder / LEVELS_FILE, levels_table(fitted.demand, fitted.levels, fitted.by_level))
    write_table(folder / LEVEL_TOTALS_FILE, level_totals_table(fitted.levels, fitted.by_level))
    stated = {"parameters": asdict(parameters), "what_was_known": available_data(fitted.demand)}
    (folder / PARAMETERS_FILE).write_text(json.dumps(stated, indent=2), encoding="utf-8")


def item_table(fitted: FittedDemand) -> pa.Table:
    """The family's columns of the items' table: see `column_descriptions`."""
    demand, forecast = fitted.demand, fitted.forecast
    low, high = forecast.total(forecast.horizon, (0.1, 0.9)).T
    values = (forecast.mean.sum(axis=1, dtype=np.float64), low, high)
    return pa.table(
        {
            c.ITEM_ID: pa.array(demand.item_ids, pa.string()),
            **dict(zip(_total_columns(fitted), values, strict=True)),
            DAILY_UNITS_RECENT: _daily_units_recent(demand),
            DEMAND_CLASS: pa.array(np.array(CLASSES)[demand_class(fitted.items.panel)], pa.string()),
            FORECAST_METHOD: pa.array(fitted.method, pa.string()),
        }
    )


def column_descriptions(fitted: FittedDemand) -> dict[str, str]:
    """What each column of `item_table` means, in words for a shop owner."""
    expected, low, high = _total_columns(fitted)
    span = f"{fitted.forecast.horizon} {fitted.demand.panel.frequency.name}s"
    recent = RECENT_WORDS[fitted.demand.panel.frequency.name]
    return {
        expected: f"Units we expect customers to want in the next {span}.",
        low: f"A weak case: in 9 of 10 cases the next {span} sell more than this.",
        high: f"A strong case: in 9 of 10 cases the next {span} sell less. Stock for it to be safe.",
        DAILY_UNITS_RECENT: f"Units sold per day over the last {recent}, as they were.",
        DEMAND_CLASS: (
            "How the item sells. smooth: most of the time, steady amounts; erratic: most of the time, uneven amounts; "
            "intermittent: now and then, steady amounts; lumpy: now and then, uneven amounts; new: first sold lately; "
            "all_zero: not sold in the days looked at."
        ),
        FORECAST_METHOD: "How the item is forecast: the methods that count most, or none if it never sells.",
    }


def available_data(demand: StoreDemand) -> dict[str, Any]:
    """What the forecast could use."""
    return {
        "series": demand.panel.series,
        "periods": demand.panel.periods,
        "frequency": demand.panel.frequency.name,
        "covariates": list(demand.panel.future),
        "country": demand.country,
        "share_told_out_of_stock": float(demand.reported_stock_out.mean()),
        "share_found_out_of_stock": float(demand.inferred_stock_out.mean()),
    }


def forecast_table(demand: StoreDemand, by_item: DemandForecast) -> pa.Table:
    """`columns.FORECAST` of the items, sorted by item, then day."""
    columns = {c.ITEM_ID: _names(demand.item_ids, by_item.horizon)} | _units(demand, by_item)
    return pa.table(columns, schema=c.FORECAST)


def history_table(items: StoreDemand) -> pa.Table:
    """`columns.DEMAND_HISTORY` of the last periods; each series of `items` is an item."""
    panel = items.panel
    periods = min(HISTORY_PERIODS[panel.frequency.name], panel.periods)
    dates = panel.frequency.dates(panel.first, panel.periods)[-periods:]
    columns = {
        c.ITEM_ID: _names(items.item_ids, periods),
        c.DATE: pa.array(np.tile(dates, panel.series), pa.date32()),
        c.UNITS: pa.array(panel.units[:, -periods:].ravel()),
        c.IS_OBSERVED: pa.array(panel.is_observed[:, -periods:].ravel()),
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
    is_count = None if forecast.is_count is None else forecast.is_count[order]
    return names[order], DemandForecast(forecast.mean[order], forecast.quantiles[order], cumulative, is_count)


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


def _total_columns(fitted: FittedDemand) -> tuple[str, str, str]:
    span = f"{fitted.forecast.horizon}_{fitted.demand.panel.frequency.name}s"
    return f"units_next_{span}", f"units_low_{span}", f"units_high_{span}"


def _daily_units_recent(demand: StoreDemand) -> np.ndarray:
    panel = demand.panel
    periods = min(RECENT_PERIODS[panel.frequency.name], panel.periods)
    first = panel.frequency.date(panel.first, panel.periods - periods)
    days = int((demand.end - first).astype(int))
    return np.asarray(demand.aggregate_to_items(panel.units[:, -periods:]).sum(axis=1) / days)
