"""Daily demand aggregated to weeks, for items and for categories.

Days of the week differ and neighbouring days are correlated, hence weeks. They are counted back from the end, so that
the last one is complete.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

WEEK_DAYS: Final = 7
MAX_USUAL_DAYS: Final = 5.0  # a day is clipped at this multiple of the item's usual day: one huge order is no trend


@dataclass(frozen=True)
class WeeklyPanel:
    """Weekly sales of items or categories."""

    units: np.ndarray  # (series, weeks), 0 where unknown
    exposure: np.ndarray  # (series, weeks), the share of the week in which demand was observed; 0 before the start
    category: np.ndarray  # (series,) codes from 0, -1: none

    @property
    def weeks(self) -> int:
        return int(self.units.shape[1])

    def before(self, week: int) -> "WeeklyPanel":
        """The panel's weeks before that one."""
        return WeeklyPanel(self.units[:, :week], self.exposure[:, :week], self.category)


def weekly(units: np.ndarray, is_observed: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units and exposure per week, (series, weeks) float64 each, from days (series, days).

    Exposure is the share of the week in which demand was observed. The week in which a series started is left out, as a
    series starts with a sale by definition.
    """
    weeks = units.shape[1] // WEEK_DAYS
    first_day = units.shape[1] - weeks * WEEK_DAYS
    clipped = np.where(is_observed, np.minimum(units, MAX_USUAL_DAYS * _usual_day(units)[:, None]), 0.0)[:, first_day:]
    exposure = is_observed[:, first_day:].reshape(-1, weeks, WEEK_DAYS).mean(axis=2)
    start = np.where(is_observed.any(axis=1), is_observed.argmax(axis=1), units.shape[1])
    is_whole = (np.arange(weeks) * WEEK_DAYS + first_day > start[:, None]) | (start == 0)[:, None]
    return clipped.reshape(-1, weeks, WEEK_DAYS).sum(axis=2) * is_whole, exposure * is_whole


def category_panel(items: WeeklyPanel) -> WeeklyPanel:
    """The panel of the categories, (categories, weeks), from that of their items.

    An item out of stock reduces the category's exposure by its usual share of the sales. An item that has not started
    does not: a category that gains items does sell more.
    """
    units, exposure, category = items.units, items.exposure, items.category
    count, weeks = int(category.max(initial=-1)) + 1, units.shape[1]
    level = units.sum(axis=1) / np.maximum(exposure.sum(axis=1), 1e-9)
    has_started = np.maximum.accumulate(exposure > 0, axis=1)
    sums, missing, levels = np.zeros((count, weeks)), np.zeros((count, weeks)), np.zeros(count)
    is_in = category >= 0
    np.add.at(sums, category[is_in], units[is_in])
    np.add.at(missing, category[is_in], (level[:, None] * (1 - exposure) * has_started)[is_in])
    np.add.at(levels, category[is_in], level[is_in])
    return WeeklyPanel(sums, 1 - missing / np.maximum(levels, 1e-9)[:, None], np.full(count, -1))


def _usual_day(units: np.ndarray) -> np.ndarray:
    """The median of the days with sales, (series,): of an even number the lower one; 0 without sales."""
    sold = (units > 0).sum(axis=1)
    middle = units.shape[1] - sold + (sold - 1) // 2  # sorting puts days with sales last
    return np.asarray(np.sort(units, axis=1)[np.arange(len(units)), np.minimum(middle, units.shape[1] - 1)])
