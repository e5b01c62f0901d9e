"""Columns of the design matrix, by hand."""

import numpy as np

from models.demand.panel import CategoricalCovariates, Panel
from models.demand.regression import WAVES, YEAR_END, DesignMatrix
from tests.models.demand.worlds import panel_of

DAYS, HORIZON = 28, 7


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
