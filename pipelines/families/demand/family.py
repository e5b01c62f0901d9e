"""The demand family: units per item and period to come, compared with the same period one season earlier."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay, write_table
from models.demand.baseline import seasonal_naive
from models.demand.classification import CLASSES, demand_class
from pipelines.families.demand.bundle_files import (
    FORECAST_FILE,
    HISTORY_FILE,
    LEVEL_TOTALS_FILE,
    LEVELS_FILE,
    forecast_table,
    history_table,
    level_totals_table,
    levels_table,
)
from pipelines.families.demand.evaluation import actual_demand, evaluate, evaluate_in_detail, evaluate_levels
from pipelines.families.demand.fit import FittedDemand, fit_store, fitted_demand
from pipelines.families.demand.panel_builder import StoreDemand, items_as_series, period_start, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, TrainingData

PARAMETERS_FILE: Final = "parameters.json"
DAILY_UNITS_RECENT: Final = "daily_units_recent"
DEMAND_CLASS: Final = "demand_class"
FORECAST_METHOD: Final = "forecast_method"
RECENT_PERIODS: Final = {"day": 28, "week": 4, "month": 1}
RECENT_WORDS: Final = {"day": "28 days", "week": "4 weeks", "month": "whole month"}


def backtest(data: TrainingData) -> Backtest:
    """Forecast the last whole horizon from what was known when it began, and compare with the units then sold."""
    parameters: StoreDemandParameters = data.parameters
    steps = parameters.horizon_periods
    data.progress("demand: reading orders")
    end = period_start(np.datetime64(data.as_of.date(), "D"), parameters.counted)
    origin = _instant(parameters.counted.date(end, -steps))
    known = store_demand(data, parameters, origin, held_out_periods=steps)
    actual = actual_demand(known, store_demand(data, parameters, data.as_of), steps)
    data.progress("demand: fitting on what came before the test window")
    fitted = fit_store(known, parameters, data)
    naive = seasonal_naive(known.panel, steps)
    return Backtest(
        window_start=origin,
        window_end=_instant(np.asarray(end)),
        cases=int(actual.evaluated.sum()),
        metrics=evaluate(actual, fitted.by_series, known.panel),
        baseline_metrics=evaluate(actual, naive, known.panel),
        details=evaluate_in_detail(actual, fitted.by_series, naive, known.panel)
        | {"by_level": evaluate_levels(actual, fitted.by_series, naive, fitted.levels, fitted.past)}
        | {"what_was_known": _available_data(known)}
        | actual.details,
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on every whole period before `as_of` and forecast those from then on."""
    data.progress("demand: fitting on everything")
    fitted = fitted_demand(data, data.parameters)
    table = _item_table(fitted)
    return FittedFamily(
        write_files=lambda folder: _write_files(folder, fitted, data.parameters),
        table=table,
        columns=_column_descriptions(fitted),
        replays=_replays(table),
    )


DEMAND: Final = Family(
    name="demand",
    kind="items",
    baseline="seasonal naive (the same weekday, week or month one season earlier)",
    gate=Gate(metric="pinball", higher_is_better=False),
    parameters=StoreDemandParameters,
    backtest=backtest,
    fit=fit,
    shown_metrics=("wape", "rmsse", "pinball", "coverage_80"),
)


def _instant(day: np.ndarray) -> datetime:
    """The beginning of a UTC day."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(day.astype("datetime64[D]").astype(int)))


def _available_data(demand: StoreDemand) -> dict[str, Any]:
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


def _total_columns(fitted: FittedDemand) -> tuple[str, str, str]:
    span = f"{fitted.forecast.horizon}_{fitted.demand.panel.frequency.name}s"
    return f"units_next_{span}", f"units_low_{span}", f"units_high_{span}"


def _column_descriptions(fitted: FittedDemand) -> dict[str, str]:
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
        FORECAST_METHOD: "How the item is forecast: the method that was best for its kind of demand in the backtest.",
    }


def _item_table(fitted: FittedDemand) -> pa.Table:
    demand, forecast = fitted.demand, fitted.forecast
    low, high = forecast.total(forecast.horizon, (0.1, 0.9)).T
    values = (forecast.mean.sum(axis=1, dtype=np.float64), low, high)
    return pa.table(
        {
            c.ITEM_ID: pa.array(demand.item_ids, pa.string()),
            **dict(zip(_total_columns(fitted), values, strict=True)),
            DAILY_UNITS_RECENT: _daily_units_recent(demand),
            DEMAND_CLASS: pa.array(np.array(CLASSES)[demand_class(items_as_series(demand).panel)], pa.string()),
            FORECAST_METHOD: pa.array(fitted.method, pa.string()),
        }
    )


def _daily_units_recent(demand: StoreDemand) -> np.ndarray:
    panel = demand.panel
    periods = min(RECENT_PERIODS[panel.frequency.name], panel.periods)
    first = panel.frequency.date(panel.first, panel.periods - periods)
    days = int((demand.end - first).astype(int))
    recent: np.ndarray = demand.aggregate_to_items(panel.units[:, -periods:]).sum(axis=1) / days
    return recent


def _write_files(folder: Path, fitted: FittedDemand, parameters: StoreDemandParameters) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / FORECAST_FILE, forecast_table(fitted.demand, fitted.forecast))
    write_table(folder / HISTORY_FILE, history_table(fitted.demand))
    write_table(folder / LEVELS_FILE, levels_table(fitted.demand, fitted.levels, fitted.by_level))
    write_table(folder / LEVEL_TOTALS_FILE, level_totals_table(fitted.levels, fitted.by_level))
    stated = {"parameters": asdict(parameters), "what_was_known": _available_data(fitted.demand)}
    (folder / PARAMETERS_FILE).write_text(json.dumps(stated, indent=2), encoding="utf-8")


def _replays(table: pa.Table) -> list[Replay]:
    """The slowest, the middle and the best selling item."""
    order = np.argsort(table.column(1).to_numpy(), kind="stable")
    chosen = [table.slice(int(row), 1).to_pylist()[0] for row in (order[0], order[len(order) // 2], order[-1])]
    return [Replay(route="item", request={c.ITEM_ID: row[c.ITEM_ID]}, expected=row) for row in chosen]
