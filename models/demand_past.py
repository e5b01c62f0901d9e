"""What was known of items and of the whole store when a day began, for any day, from running sums."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from models.demand_history import DemandHistory, first_sale_day

WEEK: Final = 7
YEAR_DAYS: Final = 364  # whole weeks, so that weekdays match
NEAR_DAYS: Final = 7  # last year's same time of year: so many days to either side

_LEVEL_DAYS: Final = (28, 91, 364)
_TINY: Final = 1e-9

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


class ItemsPast:
    """One block of items. Every method takes items (codes in the block) and origins, and sees days before them only."""

    def __init__(self, history: DemandHistory, block: slice) -> None:
        units = history.units[block]
        self.category = history.category[block]
        self._first: Integers = first_sale_day(units)
        self._price = history.price[block]
        self._units = _running_sum(units)
        self._sold = _running_sum(units > 0)
        self._squares = _running_sum(np.square(units, dtype=np.float64))
        self._prices = _running_sum(np.nan_to_num(self._price))
        self._weekday = _weekday_sum(units)
        days = np.where(units > 0, np.arange(units.shape[1]), -1)
        self._last_sale: Integers = np.maximum.accumulate(days, axis=1)  # -1 before the first

    def age(self, item: Integers, origin: Integers) -> Integers:
        """Days since the first sale, at least 1."""
        days: Integers = np.maximum(origin - self._first[item], 1)
        return days

    def days_since_sale(self, item: Integers, origin: Integers) -> Integers:
        return origin - 1 - self._last_sale[item, origin - 1]

    def mean(self, item: Integers, origin: Integers, days: int) -> Floats:
        """Units per day in the last `days`, or since the first sale."""
        return _window(self._units, item, origin, days) / np.minimum(days, self.age(item, origin))

    def selling_share(self, item: Integers, origin: Integers, days: int) -> Floats:
        """The share of the last `days` that had a sale."""
        return _window(self._sold, item, origin, days) / np.minimum(days, self.age(item, origin))

    def level(self, item: Integers, origin: Integers) -> Floats:
        """Units per day, short and long windows averaged: steady, yet awake; above 0 after a first sale."""
        ever = self._units[item, origin] / self.age(item, origin)
        windows = [self.mean(item, origin, days) for days in _LEVEL_DAYS]
        return np.maximum((ever + sum(windows)) / (len(windows) + 1), _TINY)

    def sale(self, item: Integers, origin: Integers) -> Floats:
        """Units on a day with sales, on average over the last year."""
        days = np.maximum(_window(self._sold, item, origin, YEAR_DAYS), 1)
        return _window(self._units, item, origin, YEAR_DAYS) / days

    def sale_cv2(self, item: Integers, origin: Integers) -> Floats:
        """The squared coefficient of variation of the units on days with sales."""
        days = np.maximum(_window(self._sold, item, origin, YEAR_DAYS), 1)
        mean_square = _window(self._squares, item, origin, YEAR_DAYS) / days
        cv2: Floats = np.maximum(mean_square / np.maximum(self.sale(item, origin), _TINY) ** 2 - 1, 0)
        return cv2

    def same_weekday(self, item: Integers, origin: Integers, step: Integers, weeks: int) -> Floats:
        """Mean units on the target's weekday in the last `weeks` that are known."""
        last = last_same_weekday(origin, step)
        count: Integers = np.clip((last - self._first[item]) // WEEK + 1, 1, weeks)
        return _weekday_window(self._weekday, item, last, weeks) / count

    def last_year(self, item: Integers, origin: Integers, step: Integers) -> Floats:
        """Units per day around the target's day a year ago; NaN where the item was not yet sold."""
        middle = origin + step - 1 - YEAR_DAYS
        mean = _around(self._units, item, middle)
        return np.where(middle - NEAR_DAYS >= self._first[item], mean, np.nan)

    def prices(self, item: Integers, origin: Integers) -> tuple[Floats, Floats]:
        """The price's logarithm, and the price against its own mean of the last quarter."""
        price = self._price[item, origin - 1]
        known_days = np.minimum(91, self.age(item, origin))
        usual = _window(self._prices, item, origin, 91) / known_days
        return np.log(np.maximum(price, 0.01)), price / np.maximum(usual, 0.01)


class StorePast:
    """The whole store, and each category: how many items sold on a day. One giant order does not move it."""

    def __init__(self, history: DemandHistory) -> None:
        sold = history.units > 0
        selling = sold.sum(axis=0)[None, :]
        codes = range(-1, int(history.category.max(initial=-1)) + 1)
        self._selling = _running_sum(selling)
        self._weekday = _weekday_sum(selling)
        self._category = _running_sum(np.stack([sold[history.category == code].sum(axis=0) for code in codes]))

    def trends(self, origin: Integers, step: Integers) -> tuple[Floats, ...]:
        """The target's weekday, the last week and month against the last month and quarter; and last year's season."""
        row = np.zeros_like(origin)
        week, month, quarter = (_mean(self._selling, row, origin, days) for days in (7, 28, 91))
        last = last_same_weekday(origin, step)
        weekday = _weekday_window(self._weekday, row, last, 4) / np.clip(last // WEEK + 1, 1, 4)
        return (
            weekday / np.maximum(month, _TINY),
            week / np.maximum(month, _TINY),
            month / np.maximum(quarter, _TINY),
            self._last_year(row, origin, step),
        )

    def category_trend(self, category: Integers, origin: Integers) -> Floats:
        """The last month against the last quarter, for a category's items."""
        month, quarter = (_mean(self._category, category + 1, origin, days) for days in (28, 91))
        return month / np.maximum(quarter, _TINY)

    def _last_year(self, row: Integers, origin: Integers, step: Integers) -> Floats:
        """A year ago: the target's days against the month before the origin; NaN where that is not known."""
        middle, before = origin + step - 1 - YEAR_DAYS, origin - YEAR_DAYS
        is_known = np.minimum(middle - NEAR_DAYS, before - 28) >= 0
        month = _mean(self._selling, row, np.maximum(before, 0), 28)
        return np.where(is_known, _around(self._selling, row, middle) / np.maximum(month, _TINY), np.nan)


def last_same_weekday(origin: Integers, step: Integers) -> Integers:
    """The last day before the origin that falls on the weekday of day `origin + step - 1`."""
    return origin + step - 1 - WEEK * -(-step // WEEK)


def _running_sum(values: np.ndarray) -> Floats:
    """Column d holds the sum of the columns before d: (rows, days + 1)."""
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return total


def _weekday_sum(values: np.ndarray) -> Floats:
    """Column d holds the sum of the columns d, d - 7, d - 14, ..."""
    rows, days = values.shape
    padded = np.zeros((rows, -(-days // WEEK) * WEEK))
    padded[:, :days] = values
    return padded.reshape(rows, -1, WEEK).cumsum(axis=1).reshape(rows, -1)


def _window(sums: Floats, row: Integers, end: Integers, days: int) -> Floats:
    total: Floats = sums[row, end] - sums[row, np.maximum(end - days, 0)]
    return total


def _mean(sums: Floats, row: Integers, end: Integers, days: int) -> Floats:
    return _window(sums, row, end, days) / np.clip(end, 1, days)


def _weekday_window(sums: Floats, row: Integers, last: Integers, weeks: int) -> Floats:
    before = last - WEEK * weeks
    total: Floats = _or_zero(sums, row, last) - _or_zero(sums, row, before)
    return total


def _or_zero(sums: Floats, row: Integers, column: Integers) -> Floats:
    return np.where(column >= 0, sums[row, np.maximum(column, 0)], 0)


def _around(sums: Floats, row: Integers, middle: Integers) -> Floats:
    """The mean of the days around `middle`; meaningless where they begin before the history."""
    end = np.maximum(middle + NEAR_DAYS + 1, 0)
    return _window(sums, row, end, 2 * NEAR_DAYS + 1) / (2 * NEAR_DAYS + 1)
