"""Rows know what was known when their origin began, and nothing of what came after it."""

import numpy as np
import pytest

from models.demand.panel import CategoricalCovariates, Panel
from models.demand.rows import Rows, build_rows, forecast_rows, sample_training_rows
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
