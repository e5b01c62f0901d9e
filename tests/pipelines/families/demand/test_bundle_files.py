"""The files of levels: whose rows stand where, without a model."""

import numpy as np
import pytest

from contracts import columns as c
from models.demand.forecast import HIGH, LOW, MEDIAN, QUANTILE_LEVELS, DemandForecast
from pipelines.families.demand.bundle_files import level_totals_table, levels_table
from pipelines.families.demand.fit import HierarchyLevel
from pipelines.families.demand.panel_builder import StoreDemand, store_demand
from tests.pipelines.families.demand.store_events import rates, sales, training_data

STEPS = 3
LEVELS_OF_STORE = [
    HierarchyLevel("total", ("",), np.zeros(3, dtype=np.int64)),
    HierarchyLevel("category", ("cup", "tin", "pot"), np.arange(3)),
]


def forecast(*mean: float) -> DemandForecast:
    """The same mean on every step; quantile `q` of a step is the mean + q, of the sum of all steps 10 times that."""
    means = np.repeat(np.array(mean)[:, None], STEPS, axis=1)
    quantiles = means[..., None] + np.array(QUANTILE_LEVELS)
    return DemandForecast(means, quantiles, 10 * quantiles)


FORECASTS = [forecast(9), forecast(1, 4, 4)]


@pytest.fixture(scope="module")
def demand() -> StoreDemand:
    data = training_data(sales(rates(6, 60)), 60)
    return store_demand(data, data.parameters, data.as_of)


def test_what_sells_most_comes_first_and_equals_by_name(demand: StoreDemand) -> None:
    nodes = [("total", "total"), ("category", "pot"), ("category", "tin"), ("category", "cup")]
    totals = level_totals_table(LEVELS_OF_STORE, FORECASTS)
    assert list(zip(totals[c.LEVEL].to_pylist(), totals[c.NODE_NAME].to_pylist(), strict=True)) == nodes
    days = levels_table(demand, LEVELS_OF_STORE, FORECASTS)
    assert days[c.NODE_NAME].to_pylist() == [name for _, name in nodes for _ in range(STEPS)]
    assert days[c.UNITS_MEAN].to_pylist() == [9] * STEPS + [4] * 2 * STEPS + [1] * STEPS
    assert days[c.DATE].to_pylist()[:STEPS] == days[c.DATE].to_pylist()[-STEPS:]


def test_the_whole_horizon_has_its_own_band(demand: StoreDemand) -> None:
    totals = level_totals_table(LEVELS_OF_STORE, FORECASTS)
    assert totals.schema == c.LEVEL_TOTALS
    cup = totals.to_pylist()[-1]
    assert cup[c.UNITS_MEAN] == STEPS
    ends = [cup[c.UNITS_LOW], cup[c.UNITS_MEDIAN], cup[c.UNITS_HIGH]]
    assert ends == pytest.approx([10 * (1 + QUANTILE_LEVELS[place]) for place in (LOW, MEDIAN, HIGH)])
    of_days = levels_table(demand, LEVELS_OF_STORE, FORECASTS)[c.UNITS_HIGH].to_numpy()[-STEPS:]
    assert of_days.sum() == pytest.approx(STEPS * (1 + QUANTILE_LEVELS[HIGH]))


def test_without_learnt_sums_the_totals_still_have_bands() -> None:
    plain = [DemandForecast(each.mean, each.quantiles) for each in FORECASTS]
    (*_, cup) = level_totals_table(LEVELS_OF_STORE, plain).to_pylist()
    assert cup[c.UNITS_LOW] < cup[c.UNITS_HIGH]
