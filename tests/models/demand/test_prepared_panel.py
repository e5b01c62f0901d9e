"""Which cells count, what closes a series, and which covariate moves demand most."""

import numpy as np

from models.demand.frequency import MONTH
from models.demand.panel import CategoricalCovariates, closed_periods, closing_values
from tests.models.demand.worlds import panel_of

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
