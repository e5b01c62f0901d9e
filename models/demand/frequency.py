"""Frequencies of demand (day, week, month): dates of periods, lengths of seasons and windows, and calendar columns.

All other modules number periods from 0. Only this one handles months, which have no fixed length.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from contracts.errors import InputError

_MONDAY_OFFSET: Final = 3  # 1 January 1970 was a Thursday; Monday is 0
_WEEK_DAYS: Final = 7
_LONGEST_MONTH: Final = 31


@dataclass(frozen=True)
class Frequency:
    """One frequency. All lengths are in periods.

    `cycle` is the shortest season: a week for days, a year for weeks and months. `year` is a year in whole cycles.
    `windows` are the lengths of recent means, short to long.
    """

    name: str
    cycle: int
    year: int
    windows: tuple[int, ...]
    new_periods: int  # a series is new as long as it has been sold for fewer
    class_periods: int  # the last periods that decide the class of a series

    def dates(self, first: np.datetime64, count: int) -> np.ndarray:
        """The first days of `count` periods from that of `first` on, (count,) datetime64[D]."""
        return self.date(first, np.arange(count))

    def date(self, first: np.datetime64, period: np.ndarray | int) -> np.ndarray:
        """The first day of each period, counted from the period of `first`; datetime64[D] in `period`'s shape."""
        number = np.asarray(period, dtype=np.int64)
        if self.name == MONTH.name:
            return (first.astype("datetime64[M]") + number).astype("datetime64[D]")
        return np.asarray(first.astype("datetime64[D]") + number * (_WEEK_DAYS if self.name == WEEK.name else 1))

    def period(self, first: np.datetime64, dates: np.ndarray) -> np.ndarray:
        """The number of each date's period, int64: 0 for the period of `first`, negative before it."""
        unit = "datetime64[M]" if self.name == MONTH.name else "datetime64[D]"
        number = (dates.astype(unit) - first.astype(unit)).astype(np.int64)
        return number // _WEEK_DAYS if self.name == WEEK.name else number

    def calendar(self, first: np.datetime64, count: int) -> dict[str, np.ndarray]:
        """Calendar columns of `count` periods from `first` on, such as the weekday: float32, (count,) each."""
        dates = self.dates(first, count)
        return {name: values.astype(np.float32) for name, values in _CALENDARS[self.name](dates).items()}


DAY: Final = Frequency(
    name="day",
    cycle=7,
    year=364,
    windows=(7, 14, 28, 56, 91, 182, 364),
    new_periods=28,
    class_periods=364,
)
WEEK: Final = Frequency(
    name="week",
    cycle=52,
    year=52,
    windows=(2, 4, 8, 13, 26, 52),
    new_periods=8,
    class_periods=104,
)
MONTH: Final = Frequency(
    name="month",
    cycle=12,
    year=12,
    windows=(2, 3, 6, 12, 24),
    new_periods=4,
    class_periods=24,
)
_BY_FIRST_LETTER: Final = {"D": DAY, "W": WEEK, "M": MONTH}
_NAMES: Final = {frequency.name: frequency for frequency in (DAY, WEEK, MONTH)}


def parse_frequency(text: str) -> Frequency:
    """The frequency that pandas calls D, W, W-MON ... or MS, M, ME; or its English name.

    Raises InputError for any other.
    """
    alias = text.strip().upper()
    if alias.lower() in _NAMES:
        return _NAMES[alias.lower()]
    if alias in {"D", "W", "M", "MS", "ME"} or alias.startswith("W-"):
        return _BY_FIRST_LETTER[alias[0]]
    raise InputError(
        f"frequency {text!r} is not known. Allowed are D (day), W or W-MON ... W-SUN (week), and MS or M (month); "
        "bring the data to one of them."
    )


def _day_of_year(dates: np.ndarray) -> np.ndarray:
    return (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)


def _day_of_month(dates: np.ndarray) -> np.ndarray:
    return (dates - dates.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)


def _year_position(dates: np.ndarray) -> dict[str, np.ndarray]:
    angle = 2 * np.pi * _day_of_year(dates) / 365.25
    return {"year_sin": np.sin(angle), "year_cos": np.cos(angle)}


def _days(dates: np.ndarray) -> dict[str, np.ndarray]:
    weekday = (dates.astype(np.int64) + _MONDAY_OFFSET) % _WEEK_DAYS
    return {
        "weekday": weekday,
        "day_of_month": _day_of_month(dates) + 1,
        "days_to_month_end": _days_in_month(dates) - _day_of_month(dates) - 1,
        "day_of_year": _day_of_year(dates) + 1,
        **_year_position(dates),
    }


def _weeks(dates: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "week_of_year": _day_of_year(dates) // _WEEK_DAYS,
        "week_of_month": _day_of_month(dates) // _WEEK_DAYS,
        **_year_position(dates),
    }


def _months(dates: np.ndarray) -> dict[str, np.ndarray]:
    first_weekday = (dates.astype(np.int64) + _MONDAY_OFFSET) % _WEEK_DAYS
    length = _days_in_month(dates)
    day = np.arange(_LONGEST_MONTH)
    weekday = (first_weekday[:, None] + day) % _WEEK_DAYS
    is_weekend = (weekday >= 5) & (day < length[:, None])
    return {
        "month": dates.astype("datetime64[M]").astype(np.int64) % 12 + 1,
        "days_in_month": length,
        "weekend_days": is_weekend.sum(axis=1),
        **_year_position(dates),
    }


def _days_in_month(dates: np.ndarray) -> np.ndarray:
    month = dates.astype("datetime64[M]")
    return ((month + 1).astype("datetime64[D]") - month.astype("datetime64[D]")).astype(np.int64)


_CALENDARS: Final = {"day": _days, "week": _weeks, "month": _months}
