"""From events to a panel: what was wanted, what was not seen, and what is known of the days to come."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData, SettingsError
from models.demand.frequency import DAY, MONTH, WEEK
from pipelines.families.demand.panel_builder import StoreDemand, by_period, items_as_series, period_start, store_demand
from pipelines.families.family import TrainingData
from tests.pipelines.families.demand.store_events import calendar_file, item_id, rates, sales, training_data
from tests.worlds import day, order

ITEMS, DAYS = 12, 126
UNITS = sales(rates(ITEMS, DAYS))


def stored(data: TrainingData, as_of: float = DAYS) -> StoreDemand:
    return store_demand(data, data.parameters, day(as_of))


def panel_units(data: TrainingData, as_of: float = DAYS) -> np.ndarray:
    return stored(data, as_of).panel.units


def test_units_are_those_of_the_days_before_as_of() -> None:
    demand = stored(training_data(UNITS, DAYS), DAYS - 28 + 0.6)
    np.testing.assert_array_equal(demand.panel.units, UNITS[:, : DAYS - 28])
    assert demand.item_ids.tolist() == [item_id(item) for item in range(ITEMS)]
    assert demand.end == np.datetime64(day(DAYS - 28).date())
    assert demand.panel.is_observed.all()


def test_what_sells_later_changes_nothing_that_was_known_before() -> None:
    changed = UNITS.copy()
    changed[:, DAYS - 28 :] = 0
    changed[0, DAYS - 28 :] = 1
    origin = DAYS - 28
    later, sooner = stored(training_data(changed, DAYS), origin).panel, stored(training_data(UNITS, DAYS), origin).panel
    np.testing.assert_array_equal(later.units, sooner.units)
    np.testing.assert_array_equal(later.is_observed, sooner.is_observed)
    np.testing.assert_array_equal(later.attributes["price"], sooner.attributes["price"])
    assert not np.array_equal(panel_units(training_data(changed, DAYS)), panel_units(training_data(UNITS, DAYS)))


def test_a_plan_is_known_before_its_day_and_prices_are_not(tmp_path: Path) -> None:
    """Promotions that were planned count in a backtest; those that only prices show are unknown until they came."""
    promoted = np.zeros((ITEMS, DAYS), dtype=bool)
    promoted[0, 50:57] = promoted[1, DAYS - 14 : DAYS - 7] = True
    plan = calendar_file(tmp_path, (DAYS - 14, DAYS - 8, 2, "promotion", 0.3))
    known = stored(training_data(UNITS, DAYS, promoted=promoted, calendar=plan), DAYS - 28).panel.future["promotion"]
    np.testing.assert_allclose(known[0, 48:59], [0, 0, *[0.2] * 7, 0, 0], rtol=1e-5)
    assert known[1].sum() == 0
    np.testing.assert_allclose(known[2, DAYS - 15 : DAYS - 6], [0, *[0.3] * 7, 0], rtol=1e-5)


def test_without_a_plan_no_promotion_is_known() -> None:
    promoted = np.zeros((ITEMS, DAYS), dtype=bool)
    promoted[0, 50:57] = True
    assert "promotion" not in stored(training_data(UNITS, DAYS, promoted=promoted)).panel.future


def test_an_item_that_has_not_sold_for_long_is_not_forecast() -> None:
    units = UNITS.copy()
    units[0, 40:] = 0
    demand = stored(training_data(units, DAYS, active_days=60))
    assert demand.item_ids.tolist() == [item_id(item) for item in range(1, ITEMS)]


def test_days_before_the_first_sale_were_not_seen() -> None:
    units = UNITS.copy()
    units[3, :80] = 0
    known = stored(training_data(units, DAYS)).panel.is_observed
    assert not known[3, :80].any()
    assert known[3, 80:].all()
    assert known[4].all()


def test_categories_become_codes_and_none_is_apart() -> None:
    demand = stored(training_data(UNITS, DAYS))
    assert demand.categories == ("jam", "tea")
    np.testing.assert_array_equal(demand.category, [1, 0, -1] * 4)


def test_reported_stock_outs_are_not_days_without_demand(tmp_path: Path) -> None:
    units = UNITS.copy()
    units[2, 60:70] = 0
    units[2, 65] = 4  # somebody found one after all
    demand = stored(training_data(units, DAYS, calendar=calendar_file(tmp_path, (60, 69, 2, "out_of_stock", 1))))
    expected = np.ones(DAYS, dtype=bool)
    expected[60:70] = False
    expected[65] = True
    np.testing.assert_array_equal(demand.panel.is_observed[2], expected)
    assert demand.panel.is_observed[[0, 1, 3]].all()
    assert demand.reported_stock_out[2].sum() == 9


def test_a_stock_out_counts_from_the_day_it_was_reported() -> None:
    units = UNITS.copy()
    units[:2, DAYS - 5 :] = 0
    units[2, -1] = 1
    stock = [0.0, 4.0, 0.0, *[None] * 9]
    known = stored(training_data(units, DAYS, stock=stock, told_at=DAYS - 3)).panel.is_observed
    assert np.flatnonzero(~known[0]).tolist() == [DAYS - 3, DAYS - 2, DAYS - 1]
    assert known[1:].all()  # the third sold after the word: it has stock again
    not_told_yet = stored(training_data(units, DAYS, stock=stock, told_at=DAYS + 3)).panel.is_observed
    assert not_told_yet[0].all()
    assert not not_told_yet[1, DAYS - 5 :].any()  # nobody says that it is there, and chance does not explain it


def test_zeros_that_chance_cannot_explain_are_not_days_without_demand() -> None:
    units = UNITS.copy()
    units[10, 60:70] = units[0, 60:70] = 0
    demand = stored(training_data(units, DAYS))
    assert not demand.panel.is_observed[10, 60:70].any()
    assert demand.panel.is_observed[0].all()  # it sells one a day: ten days without are no proof
    assert demand.inferred_stock_out[10].sum() == 10
    assert demand.reported_stock_out.sum() == 0
    assert stored(training_data(units, DAYS, false_alarms_per_item_year=0)).panel.is_observed.all()


def test_weeks_and_months_are_sums_of_whole_ones() -> None:
    weekly = stored(training_data(UNITS, DAYS, frequency="week", horizon=4), DAYS - 1.5)
    first, end = weekly.panel.first, weekly.end
    assert (first, end) == (np.datetime64("2025-01-06"), np.datetime64("2025-05-05"))  # Mondays; day zero a Wednesday
    np.testing.assert_array_equal(weekly.panel.units[:, 0], UNITS[:, 5:12].sum(axis=1))
    monthly = stored(training_data(UNITS, DAYS, frequency="month", horizon=1))
    assert (monthly.panel.first, monthly.end) == (np.datetime64("2025-01-01"), np.datetime64("2025-05-01"))
    np.testing.assert_array_equal(monthly.panel.units[:, 1], UNITS[:, 31:59].sum(axis=1))


@pytest.mark.parametrize(
    ("frequency", "start"), [(DAY, "2025-03-20"), (WEEK, "2025-03-17"), (MONTH, "2025-03-01")], ids=str
)
def test_a_period_begins_on_its_first_day(frequency: Any, start: str) -> None:
    assert period_start(np.datetime64("2025-03-20"), frequency) == np.datetime64(start)


def test_periods_have_the_mean_of_their_days() -> None:
    values = np.arange(14, dtype=np.float32)[None, :]
    np.testing.assert_array_equal(by_period(values, np.array([0, 7, 14])), [[3, 10]])
    np.testing.assert_array_equal(by_period(values, np.arange(14)), values)


def test_a_week_counts_as_seen_where_most_of_its_days_were(tmp_path: Path) -> None:
    units = UNITS.copy()
    units[2, 5:7] = units[3, 5:6] = 0
    plan = calendar_file(tmp_path, (5, 6, 2, "out_of_stock", 1), (5, 5, 3, "out_of_stock", 1))
    known = stored(training_data(units, DAYS, frequency="week", horizon=4, calendar=plan)).panel.is_observed
    assert known[2:4, 0].tolist() == [False, True]


def test_series_of_channels_add_up_to_their_items() -> None:
    both = np.stack([UNITS, UNITS[::-1]])
    both[1, 3] = 0
    demand = stored(training_data(both, DAYS, channels=("email", "search"), by_channel=True))
    assert demand.channels == ("email", "search")
    assert demand.panel.series == 2 * ITEMS - 1
    np.testing.assert_array_equal(demand.aggregate_to_items(demand.panel.units), both.sum(axis=0))
    items = items_as_series(demand)
    np.testing.assert_array_equal(items.panel.units, panel_units(training_data(both.sum(axis=0), DAYS)))
    assert items.series_keys.tolist() == [[item_id(item), ""] for item in range(ITEMS)]


def test_the_country_is_where_most_orders_come_from_unless_it_is_set() -> None:
    more = [line for at in range(20) for line in order("c", at + 0.2, {item_id(0): 1}, **{c.COUNTRY: "Germany"})]
    more += order("c", 3.3, {item_id(0): 1}, **{c.COUNTRY: "GB"})
    demand = stored(training_data(UNITS, DAYS, more=more))
    assert demand.country == "DE"
    assert demand.panel.future["holiday"][0, 0] == 1  # New Year
    assert stored(training_data(UNITS, DAYS, more=more, country="US")).country == "US"
    assert "holiday" not in stored(training_data(UNITS, DAYS)).panel.future  # no order says a country


def test_a_covariate_that_ends_before_the_horizon_is_asked_for(tmp_path: Path) -> None:
    plan = calendar_file(tmp_path, (0, DAYS + 10, None, "warmth", 7))
    with pytest.raises(SettingsError, match="not for 17 of the 28 days to come, the first 2025-05-18"):
        stored(training_data(UNITS, DAYS, calendar=plan))
    reaching = calendar_file(tmp_path, (0, DAYS + 27, None, "warmth", 7))
    assert stored(training_data(UNITS, DAYS, calendar=reaching)).panel.ahead == 28


@pytest.mark.parametrize(
    ("units", "parameters", "message"),
    [
        (UNITS[:, :50], {}, "84 whole days since the first order, 28 of them to be judged on.* 50 days"),
        (UNITS[:3], {}, "5 items that sold; there are 126 days and 3 items"),
        (np.zeros((3, 90)), {}, "there are 28 days and 0 items"),
        (UNITS, {"frequency": "month"}, "9 whole months since the first order, 3 of them to be judged on.* 4 months"),
    ],
)
def test_too_little_data_is_refused(units: np.ndarray, parameters: dict[str, Any], message: str) -> None:
    data = training_data(units, units.shape[1], **parameters)
    steps = data.parameters.horizon_periods
    end = period_start(np.datetime64(data.as_of.date()), data.parameters.counted)
    origin = data.parameters.counted.date(end, -steps).item()
    with pytest.raises(NotEnoughData, match=message):
        store_demand(data, data.parameters, data.as_of.replace(month=origin.month, day=origin.day), steps)
