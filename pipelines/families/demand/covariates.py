"""What is known of every day to come: public holidays, planned promotions, and whatever the demand calendar says.

A value known ahead must reach every step of the horizon. What the calendar names on most days, such as a temperature,
must be given for every day to come; what it names now and then, such as a mailing, is 0 on the days that it leaves out.
"""

import logging
from collections.abc import Callable
from typing import Final

import numpy as np

from contracts.errors import SettingsError
from models.demand.frequency import Frequency
from pipelines.families.demand.covariate_calendar import OUT_OF_STOCK, PROMOTION, DemandCalendar
from pipelines.families.demand.item_attributes import Shelf, Span
from pipelines.features.public_holidays import HOLIDAY, public_holidays

PROMOTED: Final = "promoted"  # whether there is a promotion at all, beside how deep the cut is
DENSE_SHARE: Final = 0.5  # of the days since its first; a covariate named on more must be named on every day ahead
_MADE: Final = {HOLIDAY: "the country's holidays", PROMOTED: f"{PROMOTION!r}"}
log = logging.getLogger(__name__)


def known_future(
    calendar: DemandCalendar, country: str | None, shelf: Shelf, span: Span, cuts: Callable[[], np.ndarray]
) -> dict[str, np.ndarray]:
    """Each covariate by day, (1 or items, days + ahead_days) float32 without NaN in the days ahead.

    `cuts` gives the price cuts that were seen, (items, days); it is asked only where the calendar plans promotions, as
    without a plan nobody knows of those to come. Raises SettingsError where a value is missing that is needed.
    """
    known = {} if country is None else {HOLIDAY: public_holidays(country, span.first, span.width)[None, :]}
    for name in calendar.covariates:
        if name == OUT_OF_STOCK:
            continue
        if name in _MADE:
            raise SettingsError(f"demand calendar: {name!r} is made of {_MADE[name]}. Use another name.")
        told = calendar.values(name, shelf.item_ids, shelf.categories, span.first, span.width)
        if np.isnan(told).all():
            log.warning("demand calendar: no row of %r speaks of an item and a day that are looked at", name)
        elif name == PROMOTION:
            known[name] = _planned(told, cuts())
            known[PROMOTED] = (known[name] > 0).astype(np.float32)
        else:
            known[name] = _complete(name, told, span)
    return known


def by_period(values: np.ndarray, first: np.datetime64, frequency: Frequency) -> np.ndarray:
    """The mean of each period's days, (rows, periods) float32, from days (rows, days) that are whole periods."""
    starts = period_starts(first, values.shape[1], frequency)
    lengths = np.diff(np.append(starts, values.shape[1]))
    sums = np.add.reduceat(values, starts, axis=1, dtype=np.float64)
    return (sums / lengths).astype(np.float32)


def period_starts(first: np.datetime64, days: int, frequency: Frequency) -> np.ndarray:
    """The day number, counted from `first`, at which each period begins."""
    period = frequency.period(first, first + np.arange(days))
    return np.flatnonzero(np.diff(period, prepend=-1))


def _planned(told: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """The plan where it says something; else what prices showed, and no promotion on days ahead."""
    seen = np.zeros_like(told)
    seen[:, : cuts.shape[1]] = cuts
    return np.where(np.isnan(told), seen, told)


def _complete(name: str, told: np.ndarray, span: Span) -> np.ndarray:
    named = ~np.isnan(told)
    begun = int(named.any(axis=0).argmax())
    items = named.any(axis=1)
    if begun >= span.days or named[items, begun : span.days].mean() <= DENSE_SHARE:
        return np.asarray(np.nan_to_num(told, nan=0.0))
    missing = ~named[items, span.days :]
    if missing.any():
        raise SettingsError(
            f"the demand calendar gives {name!r} for most days since {span.date(begun)}, but not for "
            f"{int(missing.any(axis=0).sum())} of the {span.ahead_days} days to come, the first "
            f"{span.date(span.days + int(missing.any(axis=0).argmax()))}. Add them up to "
            f"{span.date(span.width - 1)}, or take {name!r} out."
        )
    return _filled(told, items)


def _filled(told: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Gaps take the last value before them, days before the first keep NaN; items that no row names have 0."""
    column = np.where(np.isnan(told), 0, np.arange(told.shape[1]))
    filled = np.take_along_axis(told, np.maximum.accumulate(column, axis=1), axis=1)
    filled[~items] = 0.0
    return filled
