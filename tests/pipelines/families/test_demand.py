"""The demand family from events to files, in a store whose weekends sell three times as much."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import lightgbm as lgb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contracts import columns as c
from contracts.bundle import SUFFIXES, read_table
from contracts.errors import NotEnoughData
from models.demand import DemandParameters
from models.demand_history import CLASSES
from pipelines.families.declaration import Backtest, FittedFamily, TrainingData
from pipelines.families.demand import DEMAND
from pipelines.families.demand_store import store_demand
from tests.models.demand_worlds import SMALL, WEEKEND
from tests.worlds import DAY_ZERO, day, events_table, order

ITEMS, DAYS = 12, 126
FIRST_WEEKDAY = DAY_ZERO.weekday()


def sold_units() -> np.ndarray:
    rate = np.geomspace(1, 30, ITEMS)[:, None] * WEEKEND[(np.arange(DAYS) + FIRST_WEEKDAY) % 7]
    return np.random.default_rng(1).poisson(rate)  # (items, days)


def training_data(units: np.ndarray, as_of: float, **parameters: Any) -> TrainingData:
    rows: list[dict[str, Any]] = []
    for number, of_day in enumerate(units.T):
        items = {f"item-{item:02d}": float(count) for item, count in enumerate(of_day) if count}
        rows += order("a", number + 0.5, items)
    catalogue = [
        dict.fromkeys(c.CATALOGUE.names)
        | {c.ITEM_ID: f"item-{item:02d}", c.ITEM_CATEGORY: ("tea", "jam", None)[item % 3]}
        for item in range(len(units))
    ]
    return TrainingData(
        events=ibis.memtable(events_table(rows)),
        catalogue=ibis.memtable(pa.Table.from_pylist(catalogue, schema=c.CATALOGUE)),
        as_of=day(as_of),
        parameters=DemandParameters(**{**vars(SMALL), **parameters}),
        threads=1,
    )


@cache
def judged() -> Backtest:
    return DEMAND.backtest(training_data(sold_units(), DAYS + 0.3))


@cache
def fitted() -> FittedFamily:
    return DEMAND.fit(training_data(sold_units(), DAYS + 0.3))


def test_it_beats_its_baseline_on_a_later_window() -> None:
    result = judged()
    assert (result.window_start, result.window_end) == (day(DAYS - 28), day(DAYS))
    assert result.cases == ITEMS * 28
    assert result.metrics.keys() == result.baseline_metrics.keys()
    for name in ("pinball", "wape", "rmsse"):
        assert result.metrics[name] < 0.9 * result.baseline_metrics[name]
    assert 0.7 <= result.metrics["coverage_80"] <= 0.92
    assert sum(found["items"] for found in result.details["by_class"].values()) == ITEMS
    json.dumps(result.details)


def test_what_sells_in_the_window_does_not_change_the_forecast_that_is_judged_on_it() -> None:
    units = sold_units()
    units[:, DAYS - 28 :] = 0
    units[0, DAYS - 28 :] = 1
    origin = day(DAYS - 28)
    changed = store_demand(training_data(units, DAYS), origin)
    known = store_demand(training_data(sold_units(), DAYS), origin)
    np.testing.assert_array_equal(changed.history.units, known.history.units)
    later = store_demand(training_data(units, DAYS), day(DAYS))  # the control
    assert later.history.units[:, -28:].sum() != known.history.units[:, -28:].sum()


def test_the_table_says_what_to_expect() -> None:
    table = fitted().table
    assert table is not None
    rows = table.to_pylist()
    assert [row[c.ITEM_ID] for row in rows] == [f"item-{item:02d}" for item in range(ITEMS)]
    assert set(fitted().columns) == set(table.column_names) - {c.ITEM_ID}
    truth = np.geomspace(1, 30, ITEMS) * WEEKEND.mean() * 28
    expected = np.array([row["units_next_28_days"] for row in rows])
    np.testing.assert_allclose(expected, truth, rtol=0.45)  # the smallest sells one unit on a weekday
    assert expected.sum() == pytest.approx(truth.sum(), rel=0.1)
    recent = sold_units()[:, -28:].mean(axis=1)
    np.testing.assert_allclose([row["daily_units_recent"] for row in rows], recent)
    for row in rows:
        assert row["units_low_28_days"] <= row["units_next_28_days"] <= row["units_high_28_days"]
        assert row["demand_class"] in CLASSES


def test_its_files_hold_the_forecast_and_the_models(tmp_path: Path) -> None:
    fitted().write_files(tmp_path / "demand")
    files = {path.name: path for path in (tmp_path / "demand").iterdir()}
    assert set(files) == {"forecast.arrow", "parameters.json", "mean.txt", "low.txt", "median.txt", "high.txt"}
    assert {path.suffix for path in files.values()} <= SUFFIXES
    forecast = read_table(files["forecast.arrow"])
    assert forecast.schema == c.FORECAST
    assert forecast.num_rows == ITEMS * 28
    assert forecast.equals(forecast.sort_by([(c.ITEM_ID, "ascending"), (c.DATE, "ascending")]))
    assert pc.min(forecast[c.DATE]).as_py() == day(DAYS).date()  # the day of as_of is not over: it is forecast
    assert lgb.Booster(model_file=str(files["mean.txt"])).num_trees() == SMALL.rounds
    assert json.loads(files["parameters.json"].read_text())["parameters"]["horizon_days"] == 28


def test_its_replays_are_rows_of_its_table() -> None:
    table = fitted().table
    assert table is not None
    rows = {row[c.ITEM_ID]: row for row in table.to_pylist()}
    assert len(fitted().replays) == 3
    for replay in fitted().replays:
        assert replay.route == "item"
        assert replay.expected == rows[replay.request[c.ITEM_ID]]


def test_an_item_that_has_not_sold_for_long_is_not_forecast() -> None:
    units = sold_units()
    units[0, 40:] = 0
    demand = store_demand(training_data(units, DAYS, active_days=60), day(DAYS))
    assert demand.item_ids.tolist() == [f"item-{item:02d}" for item in range(1, ITEMS)]


def test_categories_become_codes_and_none_is_apart() -> None:
    category = store_demand(training_data(sold_units(), DAYS), day(DAYS)).history.category
    np.testing.assert_array_equal(category, [1, 0, -1] * 4)


@pytest.mark.parametrize(
    ("units", "message"),
    [
        (sold_units()[:, :50], r"84 whole days since the first order, 28 of them to be judged on.* 50 days"),
        (sold_units()[:3], r"5 items that sold; there are 126 days and 3 items"),
        (np.zeros((3, 90)), r"there are 28 days and 0 items"),
    ],
)
def test_too_little_is_said_to_be_too_little(units: np.ndarray, message: str) -> None:
    with pytest.raises(NotEnoughData, match=message):
        DEMAND.backtest(training_data(units, units.shape[1]))


def test_a_fit_needs_no_window_to_be_judged_on() -> None:
    units = sold_units()
    assert DEMAND.fit(training_data(units[:, :56], 56)).table is not None
    with pytest.raises(NotEnoughData, match="56 whole days since the first order and"):
        DEMAND.fit(training_data(units[:, :55], 55))
