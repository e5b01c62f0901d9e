"""Rows know what was known when their origin began, and nothing of what came after it; their features by hand."""

import numpy as np
import pytest

from models.demand.frequency import MONTH
from models.demand.panel import CategoricalCovariates, Panel
from models.demand.rows import KnownFutureFeatures, Rows, SeasonalLags, build_rows, forecast_rows, sample_training_rows
from tests.models.demand.worlds import panel_of, rates, sales

SERIES, DAYS, HORIZON = 12, 140, 14
OPEN = np.ones((SERIES, DAYS + HORIZON), dtype=np.float32)
OPEN[:, 6::7] = 0
OFFER = (np.random.default_rng(1).random((SERIES, DAYS + HORIZON)) < 0.3).astype(np.float32)
UNITS = sales(rates(SERIES, DAYS) * (1 + OFFER[:, :DAYS]) * OPEN[:, :DAYS])
GROUPS = {"category": np.arange(SERIES) % 3}


def panel(units: np.ndarray = UNITS, offer: np.ndarray = OFFER) -> Panel:
    return panel_of(units, future={"open": OPEN, "offer": offer}, groups=GROUPS)


COVARIATES = CategoricalCovariates.fit(panel())


def rows_at(origin: int, of: Panel) -> Rows:
    prepared = COVARIATES.prepare(of, HORIZON)
    return build_rows(prepared, *forecast_rows(prepared, np.array([origin]), np.arange(SERIES)))


def test_it_finds_what_closes_and_what_moves_demand() -> None:
    assert COVARIATES.closing == {"open": (0.0,)}
    assert COVARIATES.dominant == "offer"


def test_what_sells_after_the_origin_is_not_in_the_rows() -> None:
    changed = UNITS.copy()
    changed[:, 100:] *= 7
    np.testing.assert_array_equal(rows_at(100, panel()).features, rows_at(100, panel(changed)).features)
    assert not np.array_equal(rows_at(101, panel()).features, rows_at(101, panel(changed)).features)  # the control


def test_a_covariate_beyond_the_horizon_of_the_origin_is_not_in_the_rows() -> None:
    changed = OFFER.copy()
    changed[:, 100 + HORIZON :] = 1 - changed[:, 100 + HORIZON :]
    np.testing.assert_array_equal(rows_at(100, panel()).features, rows_at(100, panel(offer=changed)).features)


def test_the_base_knows_weekday_and_offer() -> None:
    rows = rows_at(DAYS, panel())
    truth = (rates(SERIES, DAYS + HORIZON) * (1 + OFFER))[rows.series, rows.target]
    is_open = OPEN[rows.series, rows.target] > 0
    assert np.median(np.abs(rows.base / truth - 1)[is_open]) < 0.15


def test_ten_times_the_units_leave_the_features_as_they_are() -> None:
    first, second = rows_at(DAYS, panel()), rows_at(DAYS, panel(UNITS * 10))
    np.testing.assert_allclose(first.features, second.features, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(second.base, 10 * first.base, rtol=1e-6)


def test_training_rows_are_usable_cells_with_origins_in_reach() -> None:
    prepared = COVARIATES.prepare(panel(), HORIZON)
    series, origin, target = sample_training_rows(prepared, 120, 500, seed=7)
    assert 350 <= len(series) <= 650
    assert prepared.usable[series, target].all()
    assert target.max() < 120
    step = target - origin + 1
    assert (step.min(), step.max()) == (1, HORIZON)
    again = sample_training_rows(prepared, 120, 500, seed=7)
    np.testing.assert_array_equal(target, again[2])


@pytest.mark.parametrize("name", ["offer_remaining", "closed_next_3", "group_1_last_7", "own_year_ago_3"])
def test_each_kind_of_feature_is_there(name: str) -> None:
    assert name in rows_at(DAYS, panel()).names


EIGHT_WEEKS = 56
OPENING = np.ones((1, EIGHT_WEEKS + HORIZON), dtype=np.float32)
OPENING[0, [*range(6, EIGHT_WEEKS, 7), *range(20, 28)]] = 0
OFFERS = np.zeros((1, EIGHT_WEEKS + HORIZON), dtype=np.float32)
OFFERS[0, [3, 4, 5, 30, 31, 60, 61, 62]] = 1
PRICE = np.linspace(10, 20, EIGHT_WEEKS + HORIZON, dtype=np.float32)[None, :]
SOLD = (4.0 * OPENING * (1 + OFFERS))[:, :EIGHT_WEEKS]


def coming_days(offer: np.ndarray = OFFERS) -> Panel:
    return panel_of(np.tile(SOLD, (3, 1)), future={n: np.tile(v, (3, 1)) for n, v in future_of(offer).items()})


def future_of(offer: np.ndarray) -> dict[str, np.ndarray]:
    return {"open": OPENING, "offer": offer, "price": PRICE}


OF_COMING_DAYS = CategoricalCovariates.fit(coming_days())


def features(target: int, origin: int = EIGHT_WEEKS, offer: np.ndarray = OFFERS) -> dict[str, float]:
    of_panel = KnownFutureFeatures(OF_COMING_DAYS.prepare(coming_days(offer), HORIZON))
    columns = of_panel.columns(np.array([0]), np.array([origin]), np.array([target]))
    return {name: float(values[0]) for name, values in columns}


def test_a_run_of_offers_has_a_beginning_and_an_end() -> None:
    found = features(61)
    assert (found["offer"], found["offer_run"], found["offer_remaining"], found["offer_previous"]) == (1, 1, 2, 0)
    assert found["step"] == 61 - EIGHT_WEEKS + 1


def test_shares_around_the_target() -> None:
    found = features(59)
    assert (found["offer_past_3"], found["offer_next_3"]) == (0, 1)
    assert found["offer_next_10"] == 3 / 10


def test_a_price_is_compared_with_the_one_before_the_origin() -> None:
    assert features(61)["price_change"] == np.float32(PRICE[0, 61] / PRICE[0, EIGHT_WEEKS - 1])
    assert "offer_change" not in features(61)


def test_a_long_closure_is_remembered() -> None:
    assert features(29, origin=29)["since_long_break"] == 2
    assert features(41, origin=41)["since_long_break"] == 14  # a closed Sunday is no long closure


def test_nothing_beyond_the_horizon_of_the_origin_is_used() -> None:
    changed = OFFERS.copy()
    changed[:, 30 + HORIZON :] = 1 - changed[:, 30 + HORIZON :]
    last = 30 + HORIZON - 1
    assert features(last, origin=30) == features(last, origin=30, offer=changed)
    assert features(last, origin=31) != features(last, origin=31, offer=changed)  # the control


def test_a_year_that_was_not_lived_through_is_no_feature() -> None:
    assert "year_sin" not in features(60)
    assert "weekday" in features(60)


MONTHS = 36
MONTHLY = panel_of(np.ones((4, MONTHS)), frequency=MONTH, groups={"category": np.array([0, 0, 1, 1])})
PREPARED_MONTHS = CategoricalCovariates.fit(MONTHLY).prepare(MONTHLY, 3)
RELATIVE = np.ones((4, MONTHS))
RELATIVE[0, 20] = 5  # month 20 of one series of the first group
ORIGIN, TARGET = np.array([30, 30, 30]), np.array([32, 32, 31])
OF_SERIES = np.array([0, 2, 0])


def seasonal_lags(relative: np.ndarray = RELATIVE) -> dict[str, list[float]]:
    found = SeasonalLags(PREPARED_MONTHS, relative).columns(OF_SERIES, ORIGIN, TARGET)
    return {name: values.tolist() for name, values in found}


def test_the_same_month_a_year_ago_is_found_for_the_series_and_its_groups() -> None:
    found = seasonal_lags()
    assert found["own_year_ago_0"] == [5, 1, 1]  # 32 - 12 is the planted month
    assert found["group_1_year_ago_0"] == [3, 1, 1]
    assert found["group_0_year_ago_0"] == [2, 2, 1]


def test_recent_means_of_groups_end_at_the_origin() -> None:
    later = RELATIVE.copy()
    later[:, 30:] = 9
    assert seasonal_lags(later) == seasonal_lags()
    recent = RELATIVE.copy()
    recent[:2, 29] = 4
    assert seasonal_lags(recent)["group_1_last_1"] == [4, 1, 4]


def test_unknown_months_are_not_zeros() -> None:
    unknown = RELATIVE.copy()
    unknown[0, 20] = np.nan
    found = seasonal_lags(unknown)
    assert np.isnan(found["own_year_ago_0"][0])
    assert found["group_1_year_ago_0"] == [1, 1, 1]
