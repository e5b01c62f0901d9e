"""The demand family: units per item and period to come, compared with last season and with the item's recent sales."""

from datetime import UTC, datetime, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.bundle import Replay
from pipelines.families.demand.baseline import baseline_demand
from pipelines.families.demand.bundle_files import available_data, column_descriptions, item_table, write_files
from pipelines.families.demand.evaluation import (
    actual_demand,
    evaluate,
    evaluate_in_detail,
    evaluate_levels,
    paired_by_item,
    stronger_baseline,
)
from pipelines.families.demand.fit import FittedDemand, fit_store, fitted_demand
from pipelines.families.demand.panel_builder import period_start, store_demand
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import Backtest, Family, FittedFamily, Gate, TrainingData


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
    name, baselines = stronger_baseline(actual, known.panel, steps)
    return Backtest(
        window_start=origin,
        window_end=_instant(np.asarray(end)),
        cases=int(actual.evaluated.sum()),
        metrics=evaluate(actual, fitted.by_series, known.panel),
        baseline_metrics=evaluate(actual, baselines[name], known.panel),
        paired=paired_by_item(actual, fitted.by_series, baselines[name], known),
        baseline_name=name.replace("_", " "),
        details=evaluate_in_detail(actual, fitted.by_series, name, baselines, known.panel)
        | {"by_level": evaluate_levels(actual, fitted.by_series, baselines[name], fitted.levels, fitted.past)}
        | {"what_was_known": available_data(known)}
        | actual.details,
    )


def fit(data: TrainingData) -> FittedFamily:
    """Fit on every whole period before `as_of` and forecast those from then on."""
    data.progress("demand: fitting on everything")
    return _family_of(fitted_demand(data, data.parameters), data)


def fit_baseline(data: TrainingData) -> FittedFamily:
    """The same by the baseline that was better in the last horizon."""
    parameters: StoreDemandParameters = data.parameters
    data.progress("demand: reading orders")
    demand = store_demand(data, parameters, data.as_of)
    return _family_of(baseline_demand(demand, parameters.horizon_periods), data)


def _family_of(fitted: FittedDemand, data: TrainingData) -> FittedFamily:
    table = item_table(fitted)
    return FittedFamily(
        write_files=lambda folder: write_files(folder, fitted, data.parameters),
        table=table,
        columns=column_descriptions(fitted),
        replays=_replays(table),
    )


DEMAND: Final = Family(
    name="demand",
    kind="items",
    baseline=(
        "the better of seasonal naive (the same weekday, week or month one season earlier) and the quantiles of the "
        "item's own last 56 days (12 weeks or months)"
    ),
    gate=Gate("pinball", higher_is_better=False, label="units off (pinball)", unit="items"),
    parameters=StoreDemandParameters,
    backtest=backtest,
    fit=fit,
    fit_baseline=fit_baseline,
    shown_metrics=("wape", "rmsse", "pinball", "coverage_80_tied"),
)


def _instant(day: np.ndarray) -> datetime:
    """The beginning of a UTC day."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=int(day.astype("datetime64[D]").astype(int)))


def _replays(table: pa.Table) -> list[Replay]:
    """The slowest, the middle and the best selling item."""
    order = np.argsort(table.column(1).to_numpy(), kind="stable")
    chosen = [table.slice(int(row), 1).to_pylist()[0] for row in (order[0], order[len(order) // 2], order[-1])]
    return [Replay(route="item", request={c.ITEM_ID: row[c.ITEM_ID]}, expected=row) for row in chosen]
