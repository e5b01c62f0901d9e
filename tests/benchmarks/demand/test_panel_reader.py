"""Rows become a panel; every repair is stated, and what has no sound repair is refused."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.demand.panel_reader import read_panel
from contracts.errors import InputError
from models.demand.frequency import DAY, MONTH


def rows(units: list[float], dates: list[str] | None = None, series: list[str] | None = None) -> pd.DataFrame:
    days = dates or [f"2025-01-{day:02}" for day in range(1, len(units) + 1)]
    return pd.DataFrame({"series_id": series or ["a"] * len(units), "date": days, "units": units})


def test_rows_become_series_by_periods() -> None:
    read = read_panel(rows([1, 0, 3], series=["b", "a", "a"], dates=["2025-01-01", "2025-01-01", "2025-01-02"]), DAY)
    assert read.series_ids.tolist() == ["a", "b"]
    np.testing.assert_array_equal(read.panel.units, [[0, 3], [1, 0]])
    np.testing.assert_array_equal(read.panel.is_observed, [[True, True], [True, False]])


def test_identical_duplicates_are_dropped_and_contradicting_ones_refused() -> None:
    twice = pd.concat([rows([1, 0]), rows([1])])
    assert "1 identical" in read_panel(twice, DAY).repairs[0]
    with pytest.raises(InputError, match="other values, the first series 'a' on 2025-01-01"):
        read_panel(pd.concat([rows([1, 0]), rows([2])]), DAY)


def test_a_gap_is_not_seen_unless_no_row_states_a_zero() -> None:
    gap = ["2025-01-01", "2025-01-02", "2025-01-04"]
    stated = read_panel(rows([1, 0, 2], gap), DAY)
    assert stated.panel.is_observed.tolist() == [[True, True, False, True]]
    silent = read_panel(rows([1, 3, 2], gap), DAY)
    assert silent.panel.is_observed.all()
    assert "read as 0" in silent.repairs[0]


def test_negative_units_are_read_as_zero_and_said() -> None:
    read = read_panel(rows([1, -2, 3]), DAY)
    assert read.panel.units.tolist() == [[1, 0, 3]]
    assert "1 negative units" in read.repairs[0]


def test_a_series_with_one_point_is_kept_and_said() -> None:
    read = read_panel(rows([1, 0, 4], series=["a", "a", "b"], dates=["2025-01-01", "2025-01-02", "2025-01-02"]), DAY)
    assert any("1 series have one point only" in repair for repair in read.repairs)


def test_rows_without_units_after_the_last_tell_the_future() -> None:
    table = rows([1, 0, np.nan]).assign(open=[1, 0, 1])
    read = read_panel(table, DAY, known_future=["open"])
    assert read.panel.periods == 2
    assert read.panel.ahead == 1


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (rows([1]).drop(columns="units"), "no column units"),
        (rows([np.inf]), "infinite"),
        (rows([1], dates=["no day"]), "cannot be read"),
        (rows([]), "no rows"),
        (rows([np.nan]), "no row has units"),
    ],
)
def test_what_cannot_be_repaired_is_refused(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_panel(table, DAY)


def test_text_attributes_become_codes_and_groups() -> None:
    table = rows([1, 2, 3, 4], dates=["2025-01-01"] * 4, series=["a", "b", "c", "d"])
    told = pd.DataFrame({"series_id": ["b", "a", "c"], "shop": ["x", "y", "x"], "size": [1.0, 2.0, 3.0]})
    read = read_panel(table, MONTH, attributes=told)
    assert read.categories["shop"] == ("x", "y")
    assert read.panel.groups["shop"].tolist() == [1, 0, 0, -1]
    np.testing.assert_array_equal(read.panel.attributes["size"], [2, 1, 3, np.nan])


def test_a_calendar_column_holds_for_series_without_a_row() -> None:
    days = ["2025-01-01", "2025-01-02", "2025-01-03"]
    table = rows([1, 2, 0, 4, 5], [*days, *days[:2]], ["a", "a", "a", "b", "b"])
    read = read_panel(table.assign(holiday=[0, 1, 0, 0, 1], price=[3, 3, 4, 5, 5]), DAY, ["holiday", "price"])
    np.testing.assert_array_equal(read.panel.future["holiday"], [[0, 1, 0], [0, 1, 0]])
    assert np.isnan(read.panel.future["price"][1, 2])  # it differs between series
    assert any("holiday is the same for all series, so 1 cells" in repair for repair in read.repairs)
