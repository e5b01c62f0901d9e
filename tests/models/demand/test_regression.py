"""The regression finds planted effects, looks neither ahead nor beyond the horizon; its columns by hand."""

import numpy as np
import pytest

from models.demand.panel import CategoricalCovariates, Panel, PreparedPanel
from models.demand.regression import MIN_WEIGHT, WAVES, YEAR_END, DesignMatrix, regression_forecast
from models.demand.rows import Rows, build_rows, forecast_rows
from tests.models.demand.worlds import panel_of, rates, sales

SERIES, DAYS, HORIZON = 30, 168, 14
GROWTH = 0.004
OFFER = (np.random.default_rng(1).random((SERIES, DAYS + HORIZON)) < 0.3).astype(np.float32)
TRUTH = rates(SERIES, DAYS + HORIZON) * (1 + OFFER)
UNITS = sales(TRUTH)[:, :DAYS]


def panel(units: np.ndarray = UNITS, offer: np.ndarray = OFFER) -> Panel:
    return panel_of(units, future={"offer": offer})


def rows_at(origin: int, of: Panel) -> tuple[PreparedPanel, Rows]:
    prepared = CategoricalCovariates.fit(of).prepare(of, HORIZON)
    return prepared, build_rows(prepared, *forecast_rows(prepared, np.array([origin]), np.arange(SERIES)))


def forecast(of: Panel, origin: int = DAYS) -> np.ndarray:
    return regression_forecast(*rows_at(origin, of)).reshape(SERIES, HORIZON)


@pytest.mark.parametrize("size", [0.1, 1.0])
def test_it_finds_week_and_offer_of_frequent_and_of_rare_sales(size: float) -> None:
    found = forecast(panel(sales(size * TRUTH)[:, :DAYS]))
    assert found.sum() == pytest.approx(size * TRUTH[:, DAYS:].sum(), rel=0.06)
    weekend = np.arange(DAYS, DAYS + HORIZON) % 7 >= 5
    offered = OFFER[:, DAYS:] > 0
    ratio = found / rates(SERIES, DAYS + HORIZON)[:, DAYS:] / size
    assert np.median(ratio[offered]) == pytest.approx(2 * np.median(ratio[~offered]), rel=0.1)
    assert np.median(ratio[:, weekend]) == pytest.approx(np.median(ratio[:, ~weekend]), rel=0.1)


def test_it_follows_a_trend() -> None:
    truth = TRUTH * np.exp(GROWTH * np.arange(DAYS + HORIZON))
    found = forecast(panel(sales(truth)[:, :DAYS]))
    assert found.sum() == pytest.approx(truth[:, DAYS:].sum(), rel=0.03)
    assert TRUTH[:, DAYS:].sum() * np.exp(GROWTH * (DAYS / 2)) < 0.8 * truth[:, DAYS:].sum()  # the control


def test_ten_times_the_units_give_ten_times_the_forecast() -> None:
    first, second = forecast(panel()), forecast(panel(UNITS * 10))
    np.testing.assert_allclose(second, 10 * first, rtol=0.02)


def test_what_sells_after_the_origin_changes_nothing() -> None:
    changed = UNITS.copy()
    changed[:, 100:] *= 7
    np.testing.assert_array_equal(forecast(panel(), 100), forecast(panel(changed), 100))
    assert not np.array_equal(forecast(panel(), 120), forecast(panel(changed), 120))  # the control


def test_an_offer_beyond_the_horizon_changes_nothing() -> None:
    changed = OFFER.copy()
    changed[:, 100 + HORIZON :] = 1 - changed[:, 100 + HORIZON :]
    np.testing.assert_array_equal(forecast(panel(), 100), forecast(panel(offer=changed), 100))


def test_one_giant_day_is_held_back() -> None:
    odd = UNITS.copy()
    odd[-1, 100] *= 100
    assert forecast(panel(odd))[-1].sum() < 1.1 * forecast(panel())[-1].sum()


def test_a_series_hardly_seen_takes_what_windows_tell() -> None:
    units, known = UNITS.copy(), np.ones(UNITS.shape, dtype=bool)
    start = DAYS - int(MIN_WEIGHT) + 1
    units[0, :start], known[0, :start] = 0, False
    of = panel_of(units, known, future={"offer": OFFER})
    _, rows = rows_at(DAYS, of)
    np.testing.assert_array_equal(forecast(of)[0], rows.base[:HORIZON])
    assert not np.array_equal(forecast(of)[1], rows.base[HORIZON : 2 * HORIZON])


def matrix(panel: Panel, origin: int = DAYS) -> DesignMatrix:
    return DesignMatrix(CategoricalCovariates.fit(panel).prepare(panel, HORIZON), origin)


def test_each_day_has_one_weekday_and_time_runs_from_the_origin() -> None:
    columns = matrix(panel_of(np.ones((2, DAYS)))).columns(np.arange(2))
    assert columns.shape[:2] == (2, DAYS + HORIZON)
    np.testing.assert_array_equal(columns[0, :, :7], np.eye(7)[np.arange(DAYS + HORIZON) % 7])
    np.testing.assert_allclose(columns[0, :, -1], (np.arange(DAYS + HORIZON) - DAYS) / 364, rtol=1e-6)


def test_the_dominant_covariate_splits_the_week_and_others_have_columns_before_and_after() -> None:
    offer = np.tile(np.arange(DAYS + HORIZON) % 3 == 0, (2, 1)).astype(np.float32)
    mail = np.zeros((2, DAYS + HORIZON), dtype=np.float32)
    mail[0, 10] = 1
    panel = panel_of(1 + 3 * offer[:, :DAYS], future={"offer": offer, "mail": mail})
    columns = matrix(panel).columns(np.arange(2))
    assert columns[0, :, :14].sum() == DAYS + HORIZON
    on, after, before = columns[0, :, 14:17].T
    assert [np.flatnonzero(each).tolist() for each in (on, after, before)] == [[10], [11], [9]]
    assert not columns[1, :, 14:17].any()


def test_a_long_past_adds_the_year() -> None:
    short, long = (matrix(panel_of(np.ones((1, days))), days) for days in (DAYS, 500))
    extra = 2 * WAVES + len(YEAR_END)
    assert long.shared.shape[1] == short.shared.shape[1] + extra


def test_the_width_ends_at_the_horizon_of_the_origin() -> None:
    assert matrix(panel_of(np.ones((1, DAYS))), origin=14).width == 14 + HORIZON
