"""What a panel refuses, how it is cut, the class of its series, and which of its cells and covariates count."""

import numpy as np
import pytest

from contracts.errors import InputError
from models.demand.frequency import MONTH
from models.demand.panel import CLASSES, CategoricalCovariates, closed_periods, closing_values, demand_class
from tests.models.demand.worlds import panel_of


def test_negative_units_are_refused() -> None:
    with pytest.raises(InputError, match="0 or more"):
        panel_of([[1, -1]])


def test_a_covariate_of_another_shape_is_refused() -> None:
    with pytest.raises(InputError, match="'price' has shape"):
        panel_of([[1, 1]], future={"price": np.ones((1, 1), dtype=np.float32)})


def test_what_is_known_of_the_future_stays_when_the_past_is_cut() -> None:
    panel = panel_of(np.ones((2, 5)), future={"open": np.ones((2, 7), dtype=np.float32)})
    assert panel.ahead == 2
    assert panel.before(3).ahead == 4
    assert panel.before(3).end == panel.first + np.timedelta64(3, "D")


def test_a_missing_value_ahead_is_named() -> None:
    future = np.ones((1, 7), dtype=np.float32)
    future[0, 6] = np.nan
    panel = panel_of(np.ones((1, 5)), future={"open": future})
    panel.check_ahead(1)
    with pytest.raises(InputError, match="no value for 1 cells"):
        panel.check_ahead(2)


def test_the_first_sale_of_a_series_that_never_sold_lies_after_the_panel() -> None:
    assert panel_of([[0, 2, 0], [0, 0, 0]]).first_sale.tolist() == [1, 3]


def class_of(units: list[float], days: int = 56) -> str:
    return CLASSES[int(demand_class(panel_of(np.resize(units, days)[None, :]))[0])]


def test_the_four_patterns_and_none() -> None:
    assert class_of([5, 6]) == "smooth"
    assert class_of([1, 1, 1, 20]) == "erratic"
    assert class_of([5, 0]) == "intermittent"
    assert class_of([1, 0, 1, 0, 20, 0]) == "lumpy"
    assert class_of([0]) == "all_zero"


def test_a_series_first_sold_of_late_is_new() -> None:
    units = np.zeros((1, 56))
    units[0, -20:] = 4
    assert CLASSES[int(demand_class(panel_of(units))[0])] == "new"


def test_periods_that_do_not_count_are_no_periods_without_sales() -> None:
    units = np.resize([5.0, 0.0], 56)[None, :]
    assert CLASSES[int(demand_class(panel_of(units), units > 0)[0])] == "smooth"


SERIES, DAYS, HORIZON = 10, 56, 7
OPEN = np.ones((SERIES, DAYS + HORIZON), dtype=np.float32)
OPEN[:, 6::7] = 0
OFFER = np.tile(np.array([0, 0, 1], dtype=np.float32), (SERIES, DAYS))[:, : DAYS + HORIZON]
MAIL = np.tile(np.array([0, 1, 1, 0, 1], dtype=np.float32), (SERIES, DAYS))[:, : DAYS + HORIZON]
UNITS = 4 * ((1 + OFFER) * OPEN)[:, :DAYS]
FUTURE = {"open": OPEN, "mail": MAIL, "offer": OFFER}
PANEL = panel_of(UNITS, future=FUTURE, groups={"one": np.zeros(SERIES, int), "two": np.arange(SERIES) % 2})
COVARIATES = CategoricalCovariates.fit(PANEL)


def test_a_value_under_which_nothing_sells_closes_the_series() -> None:
    assert closing_values(PANEL) == {"open": (0.0,)}
    closed = closed_periods(PANEL, {"open": (0.0,)}, DAYS + HORIZON)
    np.testing.assert_array_equal(closed, OPEN == 0)
    assert closing_values(panel_of(UNITS + 1, future=FUTURE)) == {}  # the control: all days sell


def test_the_covariate_that_moves_demand_is_dominant() -> None:
    assert COVARIATES.dominant == "offer"
    assert set(COVARIATES.values) == {"mail", "offer"}  # on open days, open has one value


def test_a_numeric_covariate_is_not_categorical() -> None:
    price = np.tile(np.arange(DAYS + HORIZON, dtype=np.float32), (SERIES, 1))
    assert CategoricalCovariates.fit(panel_of(UNITS, future={"price": price})).values == {}


def test_usable_cells_are_observed_open_and_not_before_the_first_sale() -> None:
    units, observed = UNITS.copy(), np.ones(UNITS.shape, dtype=bool)
    units[0, :10], observed[1, 20] = 0, False
    prepared = COVARIATES.prepare(panel_of(units, observed, future=FUTURE), HORIZON)
    expected = OPEN[:, :DAYS] > 0
    expected[0, :10] = expected[1, 20] = False
    np.testing.assert_array_equal(prepared.usable, expected)
    assert prepared.width == DAYS + HORIZON
    assert prepared.closed[:, DAYS:].sum() == SERIES


def test_a_value_not_seen_before_gets_the_code_of_the_nearest() -> None:
    offer = OFFER.copy()
    offer[0, DAYS:] = [0.9, 0.1, np.nan, 7, -7, 0.5, 1]
    prepared = COVARIATES.prepare(panel_of(UNITS, future=FUTURE | {"offer": offer}), HORIZON)
    assert prepared.dominant_codes is not None
    assert prepared.dominant_codes[0, DAYS:].tolist() == [1, 0, 0, 1, 0, 0, 1]


def test_dense_series_sell_in_nearly_all_usable_periods() -> None:
    units = UNITS.copy()
    units[0, 1:40:2] = 0
    is_dense = COVARIATES.prepare(panel_of(units, future=FUTURE), HORIZON).is_dense
    assert is_dense.tolist() == [False] + [True] * (SERIES - 1)


def test_groups_of_one_value_are_left_out() -> None:
    assert COVARIATES.prepare(PANEL, HORIZON).groups.shape == (2, SERIES)  # all series, and "two"


def test_only_days_have_parts_of_the_month() -> None:
    parts = COVARIATES.prepare(PANEL, HORIZON).month_part
    assert parts is not None
    dates = PANEL.frequency.dates(PANEL.first, DAYS + HORIZON).astype(str).tolist()
    by_date = dict(zip(dates, parts.tolist(), strict=True))
    assert [by_date[date] for date in ("2025-02-01", "2025-02-04", "2025-02-26", "2025-02-27")] == [0, 1, 8, 10]
    monthly = panel_of(np.ones((2, 30)), frequency=MONTH)
    assert CategoricalCovariates.fit(monthly).prepare(monthly, 3).month_part is None
