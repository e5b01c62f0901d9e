"""How a demand forecast is evaluated: which cells, and metrics with a known answer."""

from pathlib import Path

import numpy as np

from models.demand.baseline import own_recent, seasonal_naive
from models.demand.forecast import QUANTILE_LEVELS, DemandForecast
from pipelines.families.demand.evaluation import (
    ActualDemand,
    actual_demand,
    evaluate,
    evaluate_in_detail,
    evaluate_levels,
    stronger_baseline,
)
from pipelines.families.demand.fit import HierarchyLevel, PastForecast
from pipelines.families.demand.panel_builder import store_demand
from tests.models.demand.worlds import panel_of
from tests.pipelines.families.demand.store_events import calendar_file, rates, sales, training_data
from tests.worlds import day

ITEMS, DAYS = 12, 126
UNITS = sales(rates(ITEMS, DAYS))
STEPS = 4
PAST = panel_of(np.tile([3.0, 5.0], (2, 20)))
MEAN = np.full((2, STEPS), 4.0)
FORECAST = DemandForecast(MEAN, MEAN[..., None] + np.linspace(-2, 2, len(QUANTILE_LEVELS)))
EVERYTHING = np.ones(MEAN.shape, dtype=bool)
TOTAL = [HierarchyLevel("total", ("",), np.zeros(2, dtype=np.int64))]


def actual(units: np.ndarray, evaluated: np.ndarray = EVERYTHING) -> ActualDemand:
    return ActualDemand(units, evaluated, {})


def test_a_forecast_that_is_right_has_no_error_and_one_that_is_low_is_biased() -> None:
    right = evaluate(actual(MEAN), FORECAST, PAST)
    assert (right["wape"], right["rmsse"], right["bias"], right["coverage_80"]) == (0, 0, 0, 1)
    low = evaluate(actual(2 * MEAN), FORECAST, PAST)
    assert (low["wape"], low["bias"], low["coverage_80"]) == (0.5, -0.5, 0)


def test_only_evaluated_cells_count() -> None:
    units, evaluated = MEAN.copy(), EVERYTHING.copy()
    units[0, 1], evaluated[0, 1] = 100, False
    found = evaluate(actual(units, evaluated), FORECAST, PAST)
    assert (found["wape"], found["wape_of_total"]) == (0, 0)
    assert evaluate(actual(units), FORECAST, PAST)["wape"] != 0  # the control
    levels = evaluate_levels(actual(units, evaluated), FORECAST, FORECAST, TOTAL, [])
    assert levels["total"]["wape"] == 0


def test_each_class_is_evaluated_apart_and_beside_all_baselines() -> None:
    naive = DemandForecast(MEAN + 1, FORECAST.quantiles + 1)
    found = evaluate_in_detail(actual(MEAN), FORECAST, "naive", {"naive": naive, "exact": FORECAST}, PAST)
    assert list(found["by_class"]) == ["smooth"]
    smooth = found["by_class"]["smooth"]
    assert smooth["series"] == 2
    assert smooth["pinball"] < smooth["baseline_pinball"]
    assert (smooth["below_band"], smooth["above_band"], smooth["periods_without_sale"]) == (0, 0, 0)
    assert found["baseline"] == "naive"
    assert (found["baselines"]["naive"]["wape"], found["baselines"]["exact"]["wape"]) == (0.25, 0)
    assert found["series_without_rmsse"] == 0


def test_the_baseline_is_the_one_with_less_pinball_loss() -> None:
    weekly = np.tile(np.arange(7.0), (2, 20))
    panel = panel_of(weekly[:, :-STEPS])
    name, found = stronger_baseline(actual(weekly[:, -STEPS:]), panel, STEPS)
    assert name == "seasonal_naive"
    np.testing.assert_array_equal(found[name].quantiles, seasonal_naive(panel, STEPS).quantiles)
    usual = own_recent(panel, STEPS)
    assert stronger_baseline(actual(usual.quantiles[..., 5]), panel, STEPS)[0] == "own_recent_sales"


def test_a_levels_band_comes_from_its_past_errors() -> None:
    past = [PastForecast(MEAN, MEAN + error, EVERYTHING) for error in (-1.0, 1.0)]
    found = evaluate_levels(actual(MEAN), FORECAST, FORECAST, TOTAL, past)["total"]
    assert found == {"nodes": 1, "wape": 0, "baseline_wape": 0, "coverage_80": 1, "coverage_80_tied": 1}
    assert evaluate_levels(actual(9 * MEAN), FORECAST, FORECAST, TOTAL, past)["total"]["coverage_80"] == 0


def test_actual_demand_is_by_series_and_reported_stock_outs_are_not_evaluated(tmp_path: Path) -> None:
    units = np.vstack([UNITS, np.zeros((1, DAYS), dtype=int)])
    units[2, DAYS - 7 :] = 0
    units[ITEMS, DAYS - 3] = 5  # an item without a past
    plan = calendar_file(tmp_path, (DAYS - 7, DAYS - 1, 2, "out_of_stock", 1))
    data = training_data(units, DAYS, calendar=plan)
    actual = actual_demand(
        store_demand(data, data.parameters, day(DAYS - 28)), store_demand(data, data.parameters, day(DAYS)), 28
    )
    np.testing.assert_array_equal(actual.units, units[:ITEMS, DAYS - 28 :])
    assert (~actual.evaluated).sum() == 7
    assert not actual.evaluated[2, -7:].any()
    assert actual.details["units_not_forecast"] == 5
    assert actual.details["series_not_forecast"] == 1
