"""Daily demand as weeks counted back from its end, for items and for categories.

Weeks, as days of the week differ and neighbouring days hang together; and counted from the end, so that the last one is
whole.
"""

from typing import Final

import numpy as np

WEEK_DAYS: Final = 7
KEPT_DAYS: Final = 5.0  # a day is cut at so many of the item's usual days with sales: one huge order is no trend


def weekly(units: np.ndarray, is_known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units and exposure per week, (series, weeks) float64 each, from days (series, days).

    Exposure is the share of the week in which demand was seen. The week in which a series began is left out: it begins
    with a sale by definition.
    """
    weeks = units.shape[1] // WEEK_DAYS
    first_day = units.shape[1] - weeks * WEEK_DAYS
    cut = np.where(is_known, np.minimum(units, KEPT_DAYS * _usual_day(units)[:, None]), 0.0)[:, first_day:]
    exposure = is_known[:, first_day:].reshape(-1, weeks, WEEK_DAYS).mean(axis=2)
    began = np.where(is_known.any(axis=1), is_known.argmax(axis=1), units.shape[1])
    is_whole = (np.arange(weeks) * WEEK_DAYS + first_day > began[:, None]) | (began == 0)[:, None]
    return cut.reshape(-1, weeks, WEEK_DAYS).sum(axis=2) * is_whole, exposure * is_whole


def category_weeks(units: np.ndarray, exposure: np.ndarray, category: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units and exposure of each category, (categories, weeks), from those of its series; codes from 0, -1 for none.

    An item that is out of stock takes its usual share of the category's exposure away; one that had not begun takes
    none, as a category that gains items does sell more.
    """
    count, weeks = int(category.max(initial=-1)) + 1, units.shape[1]
    level = units.sum(axis=1) / np.maximum(exposure.sum(axis=1), 1e-9)
    has_begun = np.maximum.accumulate(exposure > 0, axis=1)
    sums, missing, levels = np.zeros((count, weeks)), np.zeros((count, weeks)), np.zeros(count)
    is_in = category >= 0
    np.add.at(sums, category[is_in], units[is_in])
    np.add.at(missing, category[is_in], (level[:, None] * (1 - exposure) * has_begun)[is_in])
    np.add.at(levels, category[is_in], level[is_in])
    return sums, 1 - missing / np.maximum(levels, 1e-9)[:, None]


def _usual_day(units: np.ndarray) -> np.ndarray:
    """The median of the days with sales, (series,): of an even number the lower middle one, 0 of none."""
    sold = (units > 0).sum(axis=1)
    middle = units.shape[1] - sold + (sold - 1) // 2  # days with sales stand at the end of each sorted row
    usual: np.ndarray = np.sort(units, axis=1)[np.arange(len(units)), np.minimum(middle, units.shape[1] - 1)]
    return usual
