"""The demand calendar: rows that count, in the order that counts, and words for those that cannot."""

from pathlib import Path

import numpy as np
import pytest

from contracts.errors import SettingsError
from pipelines.families.demand.covariates import DemandCalendar, load_demand_calendar

ITEMS = np.array(["cake", "jam", "tea"])
CATEGORIES = np.array(["food", "food", ""])
FIRST = np.datetime64("2025-01-01")


def written(folder: Path, text: str) -> Path:
    path = folder / "calendar.csv"
    path.write_text(text, encoding="utf-8")
    return path


def read(folder: Path, text: str) -> DemandCalendar:
    return load_demand_calendar(written(folder, text))


def values(calendar: DemandCalendar, name: str = "promotion", days: int = 4) -> np.ndarray:
    return np.nan_to_num(calendar.values(name, ITEMS, CATEGORIES, FIRST, days), nan=-1)


def test_without_a_file_there_are_no_covariates() -> None:
    assert load_demand_calendar(None).covariates == ()


def test_a_row_counts_for_its_days_and_its_item(tmp_path: Path) -> None:
    calendar = read(tmp_path, "date,until,item_id,covariate,value\n2025-01-02,2025-01-03,jam,promotion,0.25\n")
    assert calendar.covariates == ("promotion",)
    np.testing.assert_array_equal(values(calendar), [[-1] * 4, [-1, 0.25, 0.25, -1], [-1] * 4])


def test_an_item_counts_before_its_category_and_that_before_all(tmp_path: Path) -> None:
    text = (
        "date,item_id,category,covariate,value\n"
        "2025-01-01,jam,,mailing,3\n"
        "2025-01-01,,food,mailing,2\n"
        "2025-01-01,*,,mailing,1\n"
    )
    np.testing.assert_array_equal(values(read(tmp_path, text), "mailing", 1)[:, 0], [2, 3, 1])


def test_days_outside_are_cut_and_unknown_items_are_no_error(tmp_path: Path) -> None:
    text = "date,until,item_id,covariate,value\n2024-12-01,2025-01-01,tea,x,5\n2025-01-01,2025-02-01,unheard,x,7\n"
    np.testing.assert_array_equal(values(read(tmp_path, text), "x", 2), [[-1, -1], [-1, -1], [5, -1]])


def test_two_rows_may_say_the_same(tmp_path: Path) -> None:
    calendar = read(tmp_path, "date,covariate,value\n2025-01-01,x,5\n2025-01-01,x,5\n")
    assert values(calendar, "x", 1).tolist() == [[5]] * 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns none; a demand calendar has date, covariate, value and may have until"),
        ("date,covariate,value,who\n", "has the columns 'date', 'covariate', 'value', 'who'"),
        ("date,covariate,value\n2025-01-01,x\n", "line 2: 2 values, where the header has 3"),
        ("date,covariate,value\n1.2.2025,x,1\n", "line 2: '1.2.2025' is not a date such as 2025-01-31"),
        ("date,covariate,value\n2025-01-01,Big Sale,1\n", "the covariate is 'Big Sale'; a name of small letters"),
        ("date,covariate,value\n2025-01-01,x,much\n", "the value of x is 'much'; a number is needed"),
        ("date,covariate,value\n2025-01-01,x,nan\n", "the value of x is 'nan'"),
        ("date,covariate,value\n2025-01-01,promotion,20\n", "promotion is 20; .*the share of the price that is cut"),
        ("date,covariate,value\n2025-01-01,out_of_stock,2\n", "out_of_stock is 2; .*1 for out of stock"),
        ("date,until,covariate,value\n2025-01-02,2025-01-01,x,1\n", "until is 2025-01-01, before the date 2025-01-02"),
        ("date,item_id,category,covariate,value\n2025-01-01,jam,food,x,1\n", "Name one of them"),
        (
            "date,until,item_id,covariate,value\n2025-01-01,2025-01-09,jam,x,1\n2025-01-03,,jam,x,2\n",
            "x of jam is 1 until 2025-01-09 and 2 from 2025-01-03 on. Give each day one value",
        ),
    ],
)
def test_an_invalid_file_is_refused_with_the_reason(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        read(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"absent\.csv' cannot be read"):
        load_demand_calendar(tmp_path / "absent.csv")
