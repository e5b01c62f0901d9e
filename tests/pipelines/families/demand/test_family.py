"""The demand family from events to files, in stores whose weekends, trend, promotions and stock-outs are planted."""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contracts import columns as c
from contracts.bundle import DEMAND_LEVEL_TOTALS_FILE, DEMAND_LEVELS_FILE, FORECAST_FILE, SUFFIXES, read_table
from contracts.errors import NotEnoughData
from models.demand.forecast import DemandForecast
from models.demand.panel import CLASSES
from pipelines.families.demand.bundle_files import forecast_table, levels_table
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.fit import FittedDemand, coherent, fit_store_demand, fitted_demand
from pipelines.families.demand.panel_builder import store_demand
from pipelines.families.family import Backtest, FittedFamily, TrainingData
from pipelines.families.run_cache import RunCache
from serving.answers.forecasts.hierarchy import HierarchyForecasts
from tests.pipelines.families.demand.store_events import (
    WEEKEND,
    calendar_file,
    item_id,
    rates,
    sales,
    training_data,
    weekdays,
)
from tests.worlds import day

ITEMS, DAYS, HORIZON = 12, 140, 28
LIFT, GROWTH = 3.0, 0.006


@cache
def base() -> TrainingData:
    return training_data(sales(rates(ITEMS, DAYS)), DAYS + 0.3)


@cache
def judged() -> Backtest:
    return DEMAND.backtest(base())


@cache
def fitted() -> FittedFamily:
    return DEMAND.fit(base())


def forecast_of(data: TrainingData) -> FittedDemand:
    return fitted_demand(data, data.parameters)


@cache
def of_channels() -> FittedDemand:
    both = np.stack([sales(rates(ITEMS, DAYS)), sales(rates(ITEMS, DAYS), seed=2)])
    return forecast_of(training_data(both, DAYS, channels=("email", "search"), by_channel=True))


def test_it_beats_its_baseline_on_a_later_window() -> None:
    result = judged()
    assert (result.window_start, result.window_end) == (day(DAYS - HORIZON), day(DAYS))
    assert result.cases == ITEMS * HORIZON
    assert result.metrics.keys() == result.baseline_metrics.keys()
    for name in ("pinball", "wape", "rmsse"):
        assert result.metrics[name] < 0.95 * result.baseline_metrics[name]
    assert 0.65 <= result.metrics["coverage_80"] <= 0.92
    assert sum(found["series"] for found in result.details["by_class"].values()) == ITEMS
    assert result.details["by_level"].keys() == {"total", "category"}
    assert result.details["by_level"]["total"]["wape"] < 0.5 * result.metrics["wape"]
    json.dumps(result.details)


def test_the_table_has_the_expected_units() -> None:
    table = fitted().table
    assert table is not None
    rows = table.to_pylist()
    assert [row[c.ITEM_ID] for row in rows] == [item_id(item) for item in range(ITEMS)]
    assert set(fitted().columns) == set(table.column_names) - {c.ITEM_ID}
    truth = np.geomspace(1, 30, ITEMS) * WEEKEND.mean() * HORIZON
    expected = np.array([row["units_next_28_days"] for row in rows])
    np.testing.assert_allclose(expected, truth, rtol=0.45)  # the smallest sells one unit on a weekday
    assert expected.sum() == pytest.approx(truth.sum(), rel=0.1)
    recent = sales(rates(ITEMS, DAYS))[:, -28:].mean(axis=1)
    np.testing.assert_allclose([row["daily_units_recent"] for row in rows], recent)
    for row in rows:
        assert row["units_low_28_days"] <= row["units_next_28_days"] <= row["units_high_28_days"]
        assert row["demand_class"] in CLASSES
        assert row["forecast_method"]


def test_its_files_hold_the_forecast_the_past_and_the_levels(tmp_path: Path) -> None:
    fitted().write_files(tmp_path / "demand")
    files = {path.name: path for path in (tmp_path / "demand").iterdir()}
    arrow = {"forecast.arrow", "history.arrow", "levels.arrow", "level_totals.arrow"}
    assert set(files) == {*arrow, "parameters.json"}
    assert {path.suffix for path in files.values()} <= SUFFIXES
    forecast = read_table(files["forecast.arrow"])
    assert forecast.schema == c.FORECAST
    assert forecast.num_rows == ITEMS * HORIZON
    assert forecast.equals(forecast.sort_by([(c.ITEM_ID, "ascending"), (c.DATE, "ascending")]))
    assert pc.min(forecast[c.DATE]).as_py() == day(DAYS).date()  # the day of as_of is not over: it is forecast
    history = read_table(files["history.arrow"])
    assert history.schema == c.DEMAND_HISTORY
    assert history.equals(history.sort_by([(c.ITEM_ID, "ascending"), (c.DATE, "ascending")]))
    np.testing.assert_array_equal(
        history[c.UNITS].to_numpy().reshape(ITEMS, 91), sales(rates(ITEMS, DAYS))[:, -91:].astype(np.float32)
    )
    assert pc.max(history[c.DATE]).as_py() == day(DAYS - 1).date()
    assert json.loads(files["parameters.json"].read_text())["parameters"]["frequency"] == "day"


def of_level(table: pa.Table, level: str) -> pa.Table:
    return table.filter(pc.equal(table[c.LEVEL], level))


def day_sums(table: pa.Table, column: str = c.UNITS_MEAN) -> np.ndarray:
    """A column added up by day, (HORIZON,)."""
    sums = table.group_by(c.DATE).aggregate([(column, "sum")]).sort_by(c.DATE)
    values: np.ndarray = sums[f"{column}_sum"].to_numpy()
    return values


def disagreements(levels: pa.Table, forecast: pa.Table, column: str = c.UNITS_MEAN) -> list[str]:
    """The levels whose days do not add up to what the items say."""
    return [
        level
        for level in pc.unique(levels[c.LEVEL]).to_pylist()
        if not np.allclose(day_sums(of_level(levels, level), column), day_sums(forecast, column), rtol=1e-5)
    ]


def doubled(levels: pa.Table, level: str) -> pa.Table:
    """A level whose first node says twice as much on its first day."""
    first = levels[c.LEVEL].to_pylist().index(level)
    units = levels[c.UNITS_MEAN].to_numpy().copy()
    units[first] *= 2
    return levels.set_column(levels.column_names.index(c.UNITS_MEAN), c.UNITS_MEAN, pa.array(units))


def test_means_of_the_store_its_categories_and_channels_are_those_of_the_items_on_every_day() -> None:
    for found, known in (
        (forecast_of(base()), ["total", "category"]),
        (of_channels(), ["total", "category", "channel"]),
    ):
        levels = levels_table(found.demand, found.levels, found.by_level)
        forecast = forecast_table(found.demand, found.forecast)
        assert levels.schema == c.LEVEL_FORECAST
        assert pc.unique(levels[c.LEVEL]).to_pylist() == known
        assert disagreements(levels, forecast) == []
        assert day_sums(of_level(levels, "total")).shape == (HORIZON,)
        for level in known:  # the controls: one day of one node, and a figure that does not add up
            assert disagreements(doubled(levels, level), forecast) == [level]
        assert disagreements(levels, forecast, c.UNITS_HIGH) == known


def test_what_the_family_writes_is_what_the_service_reads(tmp_path: Path) -> None:
    fitted().write_files(tmp_path / "demand")
    totals = read_table(tmp_path / DEMAND_LEVEL_TOTALS_FILE)
    levels = HierarchyForecasts(read_table(tmp_path / DEMAND_LEVELS_FILE), totals)
    assert totals.schema == c.LEVEL_TOTALS
    assert levels.levels == ["total", "category"]
    names = levels.nodes("category").totals[c.NODE_NAME].to_pylist()
    assert names == ["no category", "jam", "tea"]  # the items that sell most have none
    jam, forecast = levels.nodes("category", "jam"), read_table(tmp_path / FORECAST_FILE)
    of_jam = pc.is_in(forecast[c.ITEM_ID], pa.array([item_id(item) for item in range(1, ITEMS, 3)]))
    np.testing.assert_allclose(day_sums(jam.days), day_sums(forecast.filter(of_jam)), rtol=1e-5)
    (total,) = jam.totals.to_pylist()
    assert total[c.UNITS_MEAN] == pytest.approx(day_sums(jam.days).sum())
    assert total[c.UNITS_LOW] < total[c.UNITS_MEDIAN] < total[c.UNITS_HIGH]
    assert total[c.UNITS_HIGH] < day_sums(jam.days, c.UNITS_HIGH).sum()  # good and bad days cancel


def test_its_replays_are_rows_of_its_table() -> None:
    table = fitted().table
    assert table is not None
    rows = {row[c.ITEM_ID]: row for row in table.to_pylist()}
    assert len(fitted().replays) == 3
    for replay in fitted().replays:
        assert replay.route == "item"
        assert replay.expected == rows[replay.request[c.ITEM_ID]]


def test_a_fit_needs_no_window_to_be_judged_on() -> None:
    units = sales(rates(ITEMS, DAYS))
    assert DEMAND.fit(training_data(units[:, :70], 70)).table is not None
    with pytest.raises(NotEnoughData, match="56 whole days since the first order and"):
        DEMAND.fit(training_data(units[:, :55], 55))


def test_a_forecast_takes_another_mean_with_its_band() -> None:
    made = DemandForecast(np.array([[2.0, 0.0]]), np.tile(np.arange(11.0), (1, 2, 1)), np.ones((1, 2, 11)))
    moved = coherent(made, np.array([[4.0, 1.0]]))
    assert moved.mean.tolist() == [[4, 1]]
    np.testing.assert_array_equal(moved.quantiles[0, 0], 2 * np.arange(11.0))
    np.testing.assert_array_equal(moved.quantiles[0, 1], np.arange(11.0))  # of nothing, nothing can be told
    assert moved.cumulative is not None
    assert moved.cumulative[0, :, 0].tolist() == [2, 2.5]


# What is planted must be found again; each with a control in which it cannot be.


class Planted:
    """Weekends x3, growth, weekly promotions x3 at random, and an item that was out of stock for the last weeks."""

    empty_item, empty_days = 8, 14
    promoted_item, promoted_step = 9, 7

    def __init__(self, folder: Path) -> None:
        chance = np.random.default_rng(3)
        weeks = DAYS // 7 + HORIZON // 7
        self.promoted = np.repeat(chance.random((ITEMS, weeks)) < 0.12, 7, axis=1)
        self.promoted[:, DAYS:] = False
        self.promoted[self.promoted_item, DAYS + self.promoted_step : DAYS + 2 * self.promoted_step] = True
        self.rate = np.geomspace(2, 30, ITEMS)[:, None] * WEEKEND[weekdays(DAYS + HORIZON)]
        self.rate = self.rate * np.exp(GROWTH * np.arange(DAYS + HORIZON)) * np.where(self.promoted, LIFT, 1)
        self.units = sales(self.rate[:, :DAYS])
        self.units[self.empty_item, DAYS - self.empty_days :] = 0
        self.folder = folder
        self.cache = RunCache()

    def data(self, shift: int = 0, *, tells_stock: bool = True) -> TrainingData:
        rows = [
            (start, start + 6, item, "promotion", 0.2)
            for item in range(ITEMS)
            for start in range(0, DAYS, 7)
            if self.promoted[item, start]
        ]
        ahead = DAYS + self.promoted_step + shift
        rows.append((ahead, ahead + 6, self.promoted_item, "promotion", 0.2))
        if tells_stock:
            rows.append((DAYS - self.empty_days, DAYS - 1, self.empty_item, "out_of_stock", 1))
        path = calendar_file(self.folder, *rows)
        data = training_data(self.units, DAYS, promoted=self.promoted[:, :DAYS], calendar=path, rounds=120)
        return replace(data, cache=self.cache)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Planted:
    return Planted(tmp_path_factory.mktemp("planted"))


@pytest.fixture(scope="module")
def found(planted: Planted) -> FittedDemand:
    return forecast_of(planted.data())


def shares(values: np.ndarray) -> float:
    """Units of a weekend's day over those of another day."""
    is_weekend = weekdays(DAYS + HORIZON)[DAYS:] >= 5
    return float(values[:, is_weekend].mean() / values[:, ~is_weekend].mean())


def test_the_weekly_season_is_recovered(found: FittedDemand) -> None:
    others = np.arange(ITEMS) != Planted.promoted_item
    assert shares(found.forecast.mean[others]) == pytest.approx(3.0, rel=0.12)


def test_the_trend_is_recovered(found: FittedDemand, planted: Planted) -> None:
    truth = planted.rate[:, DAYS:].sum()
    assert found.forecast.mean.sum() == pytest.approx(truth, rel=0.12)
    plain = planted.units[:, -91:].mean(axis=1).sum() * HORIZON  # the control: a mean of the past falls behind
    assert plain < 0.85 * truth


def test_the_lift_of_a_planned_promotion_is_recovered_on_its_days(found: FittedDemand) -> None:
    mean = found.forecast.mean[Planted.promoted_item].reshape(4, 7).sum(axis=1)
    others = np.delete(mean, 1).mean()
    assert mean[1] / others == pytest.approx(LIFT, rel=0.25)


def test_a_plan_that_moves_moves_the_forecast_and_nothing_else(found: FittedDemand, planted: Planted) -> None:
    """A value to come that changes must not change the forecast of days before it."""
    data = planted.data(shift=7)
    moved = store_demand(data, data.parameters, data.as_of)
    model = fit_store_demand(found.demand, data.parameters, data)
    before, after = model.predict(found.demand.panel).mean, model.predict(moved.panel).mean
    others = np.arange(ITEMS) != Planted.promoted_item
    np.testing.assert_array_equal(before[others], after[others])
    weeks = np.stack([before, after])[:, Planted.promoted_item].reshape(2, 4, 7).sum(axis=2)
    assert weeks[0, 1] > 1.8 * weeks[0, 2]
    assert weeks[1, 2] > 1.8 * weeks[1, 1]
    later = store_demand(planted.data(shift=400), data.parameters, data.as_of)  # a plan beyond the horizon
    assert later.panel.future["promotion"][:, DAYS:].sum() == 0
    np.testing.assert_array_equal(model.predict(later.panel).mean[Planted.promoted_item, :7] > 0, True)


def expected_of_the_empty_item(data: TrainingData) -> float:
    demand = store_demand(data, data.parameters, data.as_of)
    mean = fit_store_demand(demand, data.parameters, data).predict(demand.panel).mean
    return float(mean[Planted.empty_item].sum())


def test_a_reported_or_inferred_stock_out_is_not_taken_for_no_demand(found: FittedDemand, planted: Planted) -> None:
    truth = planted.rate[Planted.empty_item, DAYS:].sum()
    assert found.forecast.mean[Planted.empty_item].sum() == pytest.approx(truth, rel=0.25)
    untold = planted.data(tells_stock=False)
    assert expected_of_the_empty_item(untold) == pytest.approx(truth, rel=0.3)
    blind = replace(untold, parameters=replace(untold.parameters, false_alarms_per_item_year=0))
    assert expected_of_the_empty_item(blind) < 0.6 * truth  # the control


def test_units_that_scale_scale_the_forecast() -> None:
    data = training_data(5 * sales(rates(ITEMS, DAYS)), DAYS + 0.3)
    demand = store_demand(data, data.parameters, data.as_of)
    mean = fit_store_demand(demand, data.parameters, data).predict(demand.panel).mean
    np.testing.assert_allclose(mean, 5 * forecast_of(base()).forecast.mean, rtol=0.02, atol=1e-3)


def test_items_of_channels_are_the_sums_of_their_channels() -> None:
    of_store = of_channels()
    np.testing.assert_allclose(of_store.forecast.mean, of_store.demand.aggregate_to_items(of_store.by_series.mean))
    assert [level.name for level in of_store.levels] == ["total", "category", "channel"]
    for forecast in of_store.by_level[::2]:
        np.testing.assert_allclose(forecast.mean.sum(), of_store.by_series.mean.sum())
    truth = 2 * np.geomspace(1, 30, ITEMS) * WEEKEND.mean() * HORIZON
    assert of_store.forecast.mean.sum() == pytest.approx(truth.sum(), rel=0.1)


def test_the_quantiles_of_everything_published_are_whole_units(tmp_path: Path) -> None:
    fitted().write_files(tmp_path / "demand")
    for name in ("forecast", "levels", "level_totals"):
        table = read_table(tmp_path / "demand" / f"{name}.arrow")
        for column in (c.UNITS_LOW, c.UNITS_MEDIAN, c.UNITS_HIGH):
            values = table[column].to_numpy()
            np.testing.assert_array_equal(values, np.round(values))
        assert (table[c.UNITS_MEAN].to_numpy() % 1 > 0).any()
    table = fitted().table
    assert table is not None
    for column in ("units_low_28_days", "units_high_28_days"):
        values = table[column].to_numpy()
        np.testing.assert_array_equal(values, np.round(values))
