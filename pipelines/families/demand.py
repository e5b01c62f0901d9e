"""The demand family: units per item and day for the coming weeks, judged against the same weekday one week earlier."""

import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay, write_table
from models.demand import DemandModel, DemandParameters, fit_demand
from models.demand_forecast import DemandForecast
from models.demand_history import CLASSES, demand_class
from models.demand_rows import FEATURES
from models.seasonal_naive import seasonal_naive
from pipelines.families.declaration import Backtest, Family, FittedFamily, Gate, TrainingData
from pipelines.families.demand_judgement import judge, judge_in_detail
from pipelines.families.demand_store import StoreDemand, midnight, store_demand, units_sold

FORECAST_FILE: Final = "forecast.arrow"
PARAMETERS_FILE: Final = "parameters.json"
DAILY_UNITS_RECENT: Final = "daily_units_recent"
DEMAND_CLASS: Final = "demand_class"
RECENT_DAYS: Final = 28


def backtest(data: TrainingData) -> Backtest:
    """Forecast the last whole horizon from what was known when it began, and compare with what then sold."""
    parameters: DemandParameters = data.parameters
    end = midnight(data.as_of)
    origin = end - timedelta(days=parameters.horizon_days)
    data.progress("demand: reading orders")
    demand = store_demand(data, origin, held_out_days=parameters.horizon_days)
    actual, new_items = units_sold(data, demand, parameters.horizon_days)
    data.progress("demand: fitting on what came before the test window")
    model = fit_demand(demand.history, parameters, data.seed, data.threads)
    forecast = model.predict(demand.history)
    naive = seasonal_naive(demand.history, parameters.horizon_days)
    return Backtest(
        window_start=origin,
        window_end=end,
        cases=actual.size,
        metrics=judge(actual, forecast, demand.history, model.total_band(demand.history, forecast)),
        baseline_metrics=judge(actual, naive, demand.history),
        details=judge_in_detail(actual, forecast, naive, demand.history) | new_items,
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on every whole day before `as_of` and forecast the days from then on."""
    parameters: DemandParameters = data.parameters
    data.progress("demand: reading orders")
    demand = store_demand(data, data.as_of)
    data.progress("demand: fitting on everything")
    model = fit_demand(demand.history, parameters, data.seed, data.threads)
    forecast = model.predict(demand.history)
    table = _item_table(demand, model, forecast)
    return FittedFamily(
        write_files=lambda folder: _write_files(folder, demand, model, forecast),
        table=table,
        columns=_column_descriptions(parameters.horizon_days),
        replays=_replays(table),
    )


DEMAND: Final = Family(
    name="demand",
    kind="items",
    baseline="seasonal naive (the same weekday one week earlier)",
    gate=Gate(metric="pinball", higher_is_better=False),
    parameters=DemandParameters,
    backtest=backtest,
    fit=fit,
)


def _total_columns(horizon_days: int) -> tuple[str, str, str]:
    return (
        f"units_next_{horizon_days}_days",
        f"units_low_{horizon_days}_days",
        f"units_high_{horizon_days}_days",
    )


def _column_descriptions(horizon_days: int) -> dict[str, str]:
    expected, low, high = _total_columns(horizon_days)
    return {
        expected: f"Units we expect to sell in the next {horizon_days} days.",
        low: f"A weak case: in 9 of 10 cases the next {horizon_days} days sell more than this.",
        high: f"A strong case: in 9 of 10 cases the next {horizon_days} days sell less. Stock for it to be safe.",
        DAILY_UNITS_RECENT: f"Units sold per day over the last {RECENT_DAYS} days, as they were.",
        DEMAND_CLASS: (
            "How the item sells. smooth: most days, steady amounts; erratic: most days, uneven amounts; intermittent: "
            "now and then, steady amounts; lumpy: now and then, uneven amounts; new: first sold less than 4 weeks ago."
        ),
    }


def _item_table(demand: StoreDemand, model: DemandModel, forecast: DemandForecast) -> pa.Table:
    low, high = model.total_band(demand.history, forecast)
    names = _total_columns(forecast.mean.shape[1])
    classes = np.array(CLASSES)[demand_class(demand.history)]
    return pa.table(
        {
            c.ITEM_ID: pa.array(demand.item_ids, pa.string()),
            **dict(zip(names, (forecast.mean.sum(axis=1), low, high), strict=True)),
            DAILY_UNITS_RECENT: demand.history.units[:, -RECENT_DAYS:].mean(axis=1, dtype=np.float64),
            DEMAND_CLASS: pa.array(classes, pa.string()),
        }
    )


def _forecast_table(demand: StoreDemand, forecast: DemandForecast) -> pa.Table:
    items, days = forecast.mean.shape
    dates = np.tile(demand.end + np.arange(days).astype("timedelta64[D]"), items)
    low, median, high = forecast.quantiles.reshape(-1, 3).astype(np.float32).T
    columns = [pa.array(np.repeat(demand.item_ids, days), pa.string()), pa.array(dates, pa.date32()), low, median, high]
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=c.FORECAST)


def _write_files(folder: Path, demand: StoreDemand, model: DemandModel, forecast: DemandForecast) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_table(folder / FORECAST_FILE, _forecast_table(demand, forecast))
    for name, booster in model.boosters.items():
        (folder / f"{name}.txt").write_text(booster.model_to_string(), encoding="utf-8")
    calibration = {name: value.tolist() for name, value in asdict(model.calibration).items()}
    stated = {"parameters": asdict(model.parameters), "features": FEATURES, "calibration": calibration}
    (folder / PARAMETERS_FILE).write_text(json.dumps(stated, indent=2), encoding="utf-8")


def _replays(table: pa.Table) -> list[Replay]:
    """The slowest, the middle and the best selling item."""
    order = np.argsort(table.column(1).to_numpy(), kind="stable")
    chosen = [table.slice(int(row), 1).to_pylist()[0] for row in (order[0], order[len(order) // 2], order[-1])]
    return [Replay(route="item", request={c.ITEM_ID: row[c.ITEM_ID]}, expected=row) for row in chosen]
