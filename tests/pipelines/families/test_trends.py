"""The trends family from events to files, in a store where two items rise, one falls, and all follow the same weeks."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData, SettingsError
from models.trends.model import TrendParameters
from pipelines.families.demand.parameters import StoreDemandParameters
from pipelines.families.family import Backtest, FittedFamily, TrainingData
from pipelines.families.trends import TRENDS
from pipelines.training.gate import apply_gate
from tests.worlds import day, events_table, order

ITEMS, DAYS = 40, 40 * 7
RISING, FALLING = (0, 1), 2


def sold_units(seed: int = 1) -> np.ndarray:
    """Units per item and day: the rising grow by 30 % in four weeks, over the last twenty weeks."""
    growth = np.zeros(ITEMS)
    growth[list(RISING)], growth[FALLING] = np.log(1.3) / 28, -np.log(1.3) / 28
    weeks = 1 + 0.5 * np.sin(np.arange(DAYS) / 40)
    level = np.geomspace(3, 12, ITEMS)[::-1, None]
    rate = level * weeks * np.exp(growth[:, None] * np.maximum(np.arange(DAYS) - DAYS + 140, 0))
    return np.random.default_rng(seed).poisson(rate)


def training_data(units: np.ndarray, **parameters: Any) -> TrainingData:
    rows: list[dict[str, Any]] = []
    for number, of_day in enumerate(units.T):
        rows += order("a", number + 0.5, {f"item-{item:02d}": float(n) for item, n in enumerate(of_day) if n})
    catalogue = [
        dict.fromkeys(c.CATALOGUE.names)
        | {c.ITEM_ID: f"item-{item:02d}", c.ITEM_CATEGORY: ("tea", "jam", "tin", None)[item % 4]}
        for item in range(len(units))
    ]
    return TrainingData(
        events=ibis.memtable(events_table(rows)),
        catalogue=ibis.memtable(pa.Table.from_pylist(catalogue, schema=c.CATALOGUE)),
        as_of=day(units.shape[1] + 0.3),
        parameters=TrendParameters(**parameters),
        threads=1,
        required={"demand": StoreDemandParameters()},
    )


@cache
def base() -> TrainingData:
    return training_data(sold_units())


@cache
def judged() -> Backtest:
    return TRENDS.backtest(base())


@cache
def fitted() -> FittedFamily:
    return TRENDS.fit(base())


def table() -> pa.Table:
    assert fitted().table is not None
    return fitted().table


def test_it_passes_its_gate_on_the_four_weeks_after() -> None:
    result = judged()
    assert (result.window_start, result.window_end) == (day(DAYS - 28), day(DAYS))
    assert result.cases == ITEMS
    assert apply_gate(TRENDS, result).answers == "model"
    assert result.metrics["called"] >= 2
    assert result.metrics["called_confirmed_share"] == 1
    assert result.metrics["called_kept_share"] == pytest.approx(1, abs=0.35)
    assert set(result.baseline_metrics) <= set(result.metrics)
    json.dumps(result.details)


def test_a_store_without_trends_has_nothing_to_call() -> None:
    units = np.random.default_rng(4).poisson(8, (ITEMS, DAYS))
    data = training_data(units)
    result = TRENDS.backtest(data)
    verdict = apply_gate(TRENDS, result)
    assert (verdict.finding, verdict.answers) == ("nothing", "baseline")
    assert verdict.reason.startswith("nothing to call")
    assert TRENDS.fit_baseline is not None
    baseline = TRENDS.fit_baseline(data).table
    assert baseline is not None
    assert set(baseline["trend"].to_pylist()) <= {"steady", None}
    assert baseline["trend_percent"].null_count == ITEMS


def test_sales_of_the_test_window_do_not_change_the_trends_before_it() -> None:
    units = sold_units()
    units[:, -28:] = np.random.default_rng(9).poisson(6, (ITEMS, 28))
    changed = TRENDS.backtest(training_data(units))
    assert changed.details == judged().details
    assert changed.metrics["worth"] != judged().metrics["worth"]  # the control


def test_the_table_names_rising_and_falling_items() -> None:
    rows = {row[c.ITEM_ID]: row for row in table().to_pylist()}
    assert [rows[f"item-{item:02d}"]["trend"] for item in (*RISING, FALLING)] == ["rising", "rising", "falling"]
    assert sum(row["trend"] == "steady" for row in rows.values()) >= ITEMS - 4
    rising = rows["item-00"]
    assert rising["trend_percent"] == pytest.approx(30, abs=8)
    assert rising["trend_low"] <= rising["trend_percent"] <= rising["trend_high"]
    assert rising["trend_q"] <= 0.1
    assert rising["trend_season"] == "none"  # the store is younger than a year
    assert rising["category_trend"] in {"rising", "falling", "steady"}
    assert rows["item-03"]["category_trend"] is None  # it has no category


def test_every_column_has_a_description() -> None:
    assert set(fitted().columns) == set(table().column_names) - {c.ITEM_ID}
    assert "10%" in fitted().columns["trend"]


def test_an_item_too_new_has_no_trend() -> None:
    units = sold_units()
    units[5, :-30] = 0
    new = TRENDS.fit(training_data(units)).table
    assert new is not None
    row = new.slice(5, 1).to_pylist()[0]
    assert {name: row[name] for name in ("trend", "trend_percent", "trend_q", "trend_season")} == dict.fromkeys(
        ("trend", "trend_percent", "trend_q", "trend_season")
    )


def test_it_reads_demand_with_the_parameters_of_the_demand_family() -> None:
    told = replace(training_data(sold_units()), required={"demand": StoreDemandParameters(calendar="not-there.csv")})
    with pytest.raises(SettingsError, match=r"not-there\.csv"):
        TRENDS.fit(told)


def test_its_file_lists_the_categories(tmp_path: Path) -> None:
    fitted().write_files(tmp_path / "trends")
    record = json.loads((tmp_path / "trends" / "trends.json").read_text())
    assert {category[c.ITEM_CATEGORY] for category in record["categories"]} == {"tea", "jam", "tin"}
    assert record["items"]["rising"] >= 2
    assert record["parameters"]["false_discovery_rate"] == 0.1


def test_its_replays_are_rows_of_its_table() -> None:
    rows = {row[c.ITEM_ID]: row for row in table().to_pylist()}
    assert len(fitted().replays) == 3
    for replay in fitted().replays:
        assert replay.expected == rows[replay.request[c.ITEM_ID]]


def test_too_few_weeks_are_an_error() -> None:
    with pytest.raises(NotEnoughData, match=r"20 whole weeks since the first order, 4 of them .*; there are 19"):
        TRENDS.backtest(training_data(sold_units()[:, : 19 * 7 + 2]))
