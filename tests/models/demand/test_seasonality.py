"""Seasonal lags point at the same period a year ago, and see nothing from the origin on."""

import numpy as np

from models.demand.frequency import MONTH
from models.demand.panel import CategoricalCovariates
from models.demand.rows import SeasonalLags
from tests.models.demand.worlds import panel_of

MONTHS = 36
PANEL = panel_of(np.ones((4, MONTHS)), frequency=MONTH, groups={"category": np.array([0, 0, 1, 1])})
PREPARED = CategoricalCovariates.fit(PANEL).prepare(PANEL, 3)
RELATIVE = np.ones((4, MONTHS))
RELATIVE[0, 20] = 5  # month 20 of one series of the first group
ORIGIN, TARGET = np.array([30, 30, 30]), np.array([32, 32, 31])
SERIES = np.array([0, 2, 0])


def columns(relative: np.ndarray = RELATIVE) -> dict[str, list[float]]:
    found = SeasonalLags(PREPARED, relative).columns(SERIES, ORIGIN, TARGET)
    return {name: values.tolist() for name, values in found}


def test_the_same_month_a_year_ago_is_found_for_the_series_and_its_groups() -> None:
    found = columns()
    assert found["own_year_ago_0"] == [5, 1, 1]  # 32 - 12 is the planted month
    assert found["group_1_year_ago_0"] == [3, 1, 1]
    assert found["group_0_year_ago_0"] == [2, 2, 1]


def test_recent_means_of_groups_end_at_the_origin() -> None:
    later = RELATIVE.copy()
    later[:, 30:] = 9
    assert columns(later) == columns()
    recent = RELATIVE.copy()
    recent[:2, 29] = 4
    assert columns(recent)["group_1_last_1"] == [4, 1, 4]


def test_unknown_months_are_not_zeros() -> None:
    unknown = RELATIVE.copy()
    unknown[0, 20] = np.nan
    found = columns(unknown)
    assert np.isnan(found["own_year_ago_0"][0])
    assert found["group_1_year_ago_0"] == [1, 1, 1]
