"""Forecasts of the store, its categories and its channels: which rows are given, and what they are read from."""

import csv
import io
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.bundle import read_table, write_table
from contracts.errors import BundleRefused, InputError
from serving.answers.forecasts.hierarchy import HierarchyForecasts, level_csv, level_json
from serving.http.schemas.forecasts import LevelForecastAnswer
from tests.serving.shop import (
    AS_OF,
    FORECAST_DAYS,
    FORMULA_NAME,
    OTHER_UNITS,
    expected_units,
    level_totals_table,
    levels_table,
)


@pytest.fixture
def levels() -> HierarchyForecasts:
    return HierarchyForecasts(levels_table(), level_totals_table())


def answer(levels: HierarchyForecasts, *asked: Any) -> LevelForecastAnswer:
    return LevelForecastAnswer.model_validate(level_json(levels.nodes(*asked), "v1", AS_OF))


def many_categories(count: int) -> HierarchyForecasts:
    names = [f"category-{number:03d}" for number in range(count)]
    units = {name: [1.0] * count for name in (c.UNITS_LOW, c.UNITS_MEDIAN, c.UNITS_HIGH, c.UNITS_MEAN)}
    nodes = {c.LEVEL: ["category"] * count, c.NODE_NAME: names}
    days = nodes | {c.DATE: [date(2025, 6, 1)] * count} | units
    return HierarchyForecasts(pa.table(days, schema=c.LEVEL_FORECAST), pa.table(nodes | units, schema=c.LEVEL_TOTALS))


def test_the_store_as_a_whole(levels: HierarchyForecasts) -> None:
    found = answer(levels)
    assert (found.bundle_version, found.as_of, found.by, found.known) == ("v1", AS_OF, "total", 1)
    assert [row.name for row in found.rows] == ["total"]
    assert [day.mean for day in found.rows[0].days] == [expected_units("total", day) for day in range(FORECAST_DAYS)]
    assert [day.date.day for day in found.rows[0].days] == [1, 2, 3, 4, 5]


def test_categories_have_their_own_days_and_a_band_of_the_whole_horizon(levels: HierarchyForecasts) -> None:
    found = answer(levels, "category")
    assert [row.name for row in found.rows] == ["tea", FORMULA_NAME]
    other = found.rows[1]
    assert other.total.model_dump() == {"low": 10.5, "median": 12.5, "high": 14.5, "mean": FORECAST_DAYS * OTHER_UNITS}
    assert other.days[0].model_dump(exclude={"date"}) == {"low": 1.5, "median": 2, "high": 3.5, "mean": OTHER_UNITS}
    assert sum(day.low for day in other.days) < other.total.low  # bands of days do not add up
    assert [day.mean for day in found.rows[0].days] == [expected_units("tea", day) for day in range(FORECAST_DAYS)]


def test_one_category_or_the_first_ones(levels: HierarchyForecasts) -> None:
    assert [row.name for row in answer(levels, "category", FORMULA_NAME).rows] == [FORMULA_NAME]
    first = answer(levels, "category", None, 1)
    assert ([row.name for row in first.rows], first.known) == (["tea"], 2)


def test_a_level_or_name_that_there_is_not_is_told_with_those_that_there_are(levels: HierarchyForecasts) -> None:
    with pytest.raises(InputError, match=r"no forecast by channel; it has those by total, category\. .*`by_channel`"):
        levels.nodes("channel")
    with pytest.raises(InputError, match=r"no forecast of the category 'coffee'; there are 'tea', '=HYPERLINK"):
        levels.nodes("category", "coffee")
    with pytest.raises(InputError, match="of the category 'total'"):  # a name counts within its level
        levels.nodes("category", "total")


def test_at_most_twenty_names_are_told() -> None:
    with pytest.raises(InputError, match=r"'category-019' and 3 more\.$") as told:
        many_categories(23).nodes("category", "coffee")
    assert "category-020" not in str(told.value)
    with pytest.raises(InputError, match=r"'category-019'\.$"):
        many_categories(20).nodes("category", "coffee")


def test_csv_has_a_row_per_node_and_day_and_runs_nothing_in_a_spreadsheet(levels: HierarchyForecasts) -> None:
    text = level_csv(levels.nodes("category")).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert list(rows[0]) == ["name", "date", "low", "median", "high", "mean"]
    assert [row["name"] for row in rows] == ["tea"] * FORECAST_DAYS + ["'" + FORMULA_NAME] * FORECAST_DAYS
    assert [float(row["mean"]) for row in rows[:2]] == [12, 20]
    assert rows[1]["date"] == "2025-06-02"
    assert len(level_csv(levels.nodes("category", "tea")).splitlines()) == 1 + FORECAST_DAYS


def test_only_the_rows_of_an_answer_are_read(tmp_path: Path) -> None:
    write_table(tmp_path / "levels.arrow", levels_table())
    write_table(tmp_path / "totals.arrow", level_totals_table())
    levels = HierarchyForecasts(read_table(tmp_path / "levels.arrow"), read_table(tmp_path / "totals.arrow"))
    before = pa.total_allocated_bytes()
    nodes = levels.nodes("category", "tea")
    assert nodes.days.num_rows == FORECAST_DAYS
    assert pa.total_allocated_bytes() == before
    assert pa.concat_tables([nodes.days]).take([0]).num_rows == 1
    copied = levels_table().take(list(range(FORECAST_DAYS)))  # the control: what is copied is seen
    assert pa.total_allocated_bytes() > before
    assert copied.num_rows == FORECAST_DAYS


def swapped(table: pa.Table) -> pa.Table:
    return table.take([*range(FORECAST_DAYS), *range(2 * FORECAST_DAYS, 3 * FORECAST_DAYS), *range(5, 10)])


@pytest.mark.parametrize(
    ("days", "totals", "message"),
    [
        (levels_table().drop_columns([c.UNITS_MEAN]), level_totals_table(), r"forecast of levels lacks .*units_mean"),
        (levels_table(), level_totals_table().drop_columns([c.UNITS_LOW]), r"totals of levels lacks .*units_low"),
        (levels_table().slice(1), level_totals_table(), "the same nodes in the same order"),
        (levels_table().slice(FORECAST_DAYS), level_totals_table().slice(0, 2), "the same nodes in the same order"),
        (swapped(levels_table()), level_totals_table(), "the same nodes in the same order"),
        (swapped(levels_table()), level_totals_table().slice(0, 2), "the same nodes in the same order"),
        (
            pa.concat_tables([levels_table()] * 2),
            pa.concat_tables([level_totals_table()] * 2),
            "the level 'total' in two places",
        ),
    ],
    ids=[
        "days lack a column",
        "totals lack one",
        "a day is gone",
        "a node is gone",
        "another order",
        "that order of two",
        "twice",
    ],
)
def test_tables_that_do_not_belong_together_are_refused(days: pa.Table, totals: pa.Table, message: str) -> None:
    with pytest.raises(BundleRefused, match=message):
        HierarchyForecasts(days, totals)
