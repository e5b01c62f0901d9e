"""The baselines in the place of the demand model: the better one forecasts, into the same columns and files."""

from pathlib import Path

import numpy as np
import pytest

from contracts import columns as c
from contracts.bundle import read_table
from models.demand.frequency import DAY
from models.demand.panel import Panel
from pipelines.families.demand.baseline import baseline_demand, stronger_lately
from pipelines.families.demand.family import DEMAND
from pipelines.families.demand.panel_builder import store_demand
from tests.pipelines.families.demand.store_events import rates, sales, training_data

ITEMS, DAYS, HORIZON = 8, 126, 28
SHARP = np.array([0, 0, 0, 0, 0, 40, 40])  # of each weekday


def panel(units: np.ndarray) -> Panel:
    return Panel(units.astype(np.float32), np.ones(units.shape, bool), np.datetime64("2025-01-06"), DAY)


@pytest.mark.parametrize(
    ("units", "name"),
    [
        (np.tile(SHARP, (ITEMS, 18)), "seasonal_naive"),
        (np.random.default_rng(1).poisson(2, (ITEMS, DAYS)), "own_recent_sales"),
        (np.tile(SHARP, (ITEMS, 7)), "own_recent_sales"),  # too short to compare
    ],
)
def test_the_better_baseline_of_the_last_horizon_is_taken(units: np.ndarray, name: str) -> None:
    assert stronger_lately(panel(units), HORIZON) == name


def test_it_fills_the_columns_and_files_of_the_model(tmp_path: Path) -> None:
    data = training_data(sales(rates(ITEMS, DAYS)), DAYS + 0.3)
    assert DEMAND.fit_baseline is not None
    found = DEMAND.fit_baseline(data)
    assert found.table is not None
    assert set(found.columns) == set(found.table.column_names) - {c.ITEM_ID}
    assert set(found.table["forecast_method"].to_pylist()) <= {"seasonal_naive", "own_recent_sales"}
    units = np.array(found.table["units_next_28_days"].to_pylist())
    assert units.sum() == pytest.approx(sales(rates(ITEMS, DAYS))[:, -28:].sum(), rel=0.15)
    found.write_files(tmp_path / "demand")
    levels = read_table(tmp_path / "demand" / "levels.arrow")
    forecast = read_table(tmp_path / "demand" / "forecast.arrow")
    assert forecast.schema == c.FORECAST
    assert levels.num_rows > 0


def test_the_means_of_channels_add_up_to_those_of_items() -> None:
    both = np.stack([sales(rates(ITEMS, DAYS)), sales(rates(ITEMS, DAYS), seed=2)])
    data = training_data(both, DAYS, channels=("email", "search"), by_channel=True)
    found = baseline_demand(store_demand(data, data.parameters, data.as_of), HORIZON)
    np.testing.assert_allclose(found.forecast.mean, found.demand.aggregate_to_items(found.by_series.mean))
