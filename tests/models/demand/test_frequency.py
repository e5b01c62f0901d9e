"""Days, weeks and months are counted as the calendar has them."""

import numpy as np
import pytest

from contracts.errors import InputError
from models.demand.frequency import DAY, MONTH, WEEK, parse_frequency


@pytest.mark.parametrize(
    ("text", "frequency"), [("D", DAY), ("W", WEEK), ("W-SUN", WEEK), ("MS", MONTH), ("m", MONTH), ("week", WEEK)]
)
def test_the_aliases_of_pandas_are_understood(text: str, frequency: object) -> None:
    assert parse_frequency(text) is frequency


def test_others_are_refused() -> None:
    with pytest.raises(InputError, match="'H' is not known"):
        parse_frequency("H")


def test_months_have_their_own_lengths() -> None:
    first = np.datetime64("2023-12-01")
    dates = MONTH.dates(first, 4)
    np.testing.assert_array_equal(dates, np.array(["2023-12-01", "2024-01-01", "2024-02-01", "2024-03-01"], "M8[D]"))
    np.testing.assert_array_equal(MONTH.period(first, dates), [0, 1, 2, 3])
    np.testing.assert_array_equal(MONTH.calendar(first, 3)["days_in_month"], [31, 31, 29])


def test_weeks_begin_on_the_day_of_the_first() -> None:
    wednesday = np.datetime64("2025-01-01")
    np.testing.assert_array_equal(WEEK.dates(wednesday, 2), np.array(["2025-01-01", "2025-01-08"], "M8[D]"))
    assert WEEK.period(wednesday, np.array(["2025-01-07", "2024-12-31"], "M8[D]")).tolist() == [0, -1]


def test_the_calendar_of_days() -> None:
    calendar = DAY.calendar(np.datetime64("2025-01-31"), 2)
    assert calendar["weekday"].tolist() == [4, 5]
    assert calendar["day_of_month"].tolist() == [31, 1]
    assert calendar["days_to_month_end"].tolist() == [0, 27]
