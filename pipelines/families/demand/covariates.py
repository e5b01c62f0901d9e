"""Known-future covariates: public holidays, planned promotions, and what else the demand calendar states.

A covariate needs a value on every day of the horizon. One that the calendar gives on most days, such as a temperature,
must be given for every day to come. One that it gives now and then, such as a mailing, is 0 on the other days.
"""

import logging
from collections.abc import Callable
from typing import Final

import numpy as np
import pandas as pd

from contracts.errors import SettingsError
from models.demand.frequency import Frequency
from pipelines.families.demand.covariate_calendar import OUT_OF_STOCK, PROMOTION, DemandCalendar
from pipelines.families.demand.item_attributes import Assortment, Span
from pipelines.features.public_holidays import HOLIDAY, public_holidays

PROMOTED: Final = "promoted"  # whether there is a promotion at all, beside the depth of the price cut
DENSE_SHARE: Final = 0.5  # of the days since its first; a covariate given on more must be given on every day ahead
_RESERVED: Final = {HOLIDAY: "the country's holidays", PROMOTED: f"{PROMOTION!r}"}
USUAL_PRICE_DAYS: Final = 91
SMALLEST_CUT: Final = 0.05  # of the usual price; less is rounding, or a mix of prices within a day
LONGEST_GAP: Final = 7  # days without a price between two promoted days that are taken to be promoted too
ITEMS_AT_ONCE: Final = 2_000
_ENDS: Final = ((np.min, np.inf), (np.max, -np.inf))
log = logging.getLogger(__name__)


def known_future(
    calendar: DemandCalendar, country: str | None, items: Assortment, span: Span, cuts: Callable[[], np.ndarray]
) -> dict[str, np.ndarray]:
    """Each covariate by day, (1 or items, days + ahead_days) float32 without NaN in the days ahead.

    `cuts` returns the observed price cuts, (items, days). It is called only where the calendar plans promotions:
    without a plan, promotions to come are not known. Raises SettingsError where a value is missing that is needed.
    """
    known = {} if country is None else {HOLIDAY: public_holidays(country, span.first, span.width)[None, :]}
    for name in calendar.covariates:
        if name == OUT_OF_STOCK:
            continue
        if name in _RESERVED:
            raise SettingsError(f"demand calendar: {name!r} is made of {_RESERVED[name]}. Use another name.")
        given = calendar.values(name, items.item_ids, items.categories, span.first, span.width)
        if np.isnan(given).all():
            log.warning("demand calendar: no row of %r applies to a forecast item and a day of the panel", name)
        elif name == PROMOTION:
            known[name] = _planned(given, cuts())
            known[PROMOTED] = (known[name] > 0).astype(np.float32)
        else:
            known[name] = _complete(name, given, span)
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


def _planned(given: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """The planned cut where there is one; else the observed cut, and no promotion on days ahead."""
    seen = np.zeros_like(given)
    seen[:, : cuts.shape[1]] = cuts
    return np.where(np.isnan(given), seen, given)


def _complete(name: str, given: np.ndarray, span: Span) -> np.ndarray:
    named = ~np.isnan(given)
    begun = int(named.any(axis=0).argmax())
    items = named.any(axis=1)
    if begun >= span.days or named[items, begun : span.days].mean() <= DENSE_SHARE:
        return np.asarray(np.nan_to_num(given, nan=0.0))
    missing = ~named[items, span.days :]
    if missing.any():
        raise SettingsError(
            f"the demand calendar gives {name!r} for most days since {span.date(begun)}, but not for "
            f"{int(missing.any(axis=0).sum())} of the {span.ahead_days} days to come, the first "
            f"{span.date(span.days + int(missing.any(axis=0).argmax()))}. Add them up to "
            f"{span.date(span.width - 1)}, or take {name!r} out."
        )
    return _filled(given, items)


def _filled(given: np.ndarray, items: np.ndarray) -> np.ndarray:
    """Gaps take the last value before them; days before the first stay NaN; items that no row names get 0."""
    column = np.where(np.isnan(given), 0, np.arange(given.shape[1]))
    filled = np.take_along_axis(given, np.maximum.accumulate(column, axis=1), axis=1)
    filled[~items] = 0.0
    return filled


def price_cuts(price: np.ndarray) -> np.ndarray:
    """Promotions as prices show them: the share of the usual price that was cut, (items, days) float32.

    It is 0 without a promotion or a known price. `price` (items, days) is NaN where none is known. The usual price is
    the median of the last USUAL_PRICE_DAYS with the day itself, so that a price that stays low for half of them becomes
    the usual one.
    """
    known = ~np.isnan(price)
    cuts = np.zeros(price.shape, dtype=np.float32)
    lowest, highest = (ends(price, axis=1, where=known, initial=start) for ends, start in _ENDS)
    changes = np.flatnonzero(lowest < highest * (1 - SMALLEST_CUT))
    for block in np.array_split(changes, max(len(changes) // ITEMS_AT_ONCE, 1)):
        usual = pd.DataFrame(price[block].T).rolling(USUAL_PRICE_DAYS, min_periods=1).median().to_numpy().T
        depth = 1 - price[block] / np.maximum(usual, 1e-9)
        for item, cut in zip(block, np.where(depth >= SMALLEST_CUT, depth, 0.0), strict=True):
            days = np.flatnonzero(known[item])
            _fill(cuts[item], days, cut[days])
    return cuts


def _fill(row: np.ndarray, days: np.ndarray, cut: np.ndarray) -> None:
    """Write each day's cut; short gaps between two promoted days are promoted as well."""
    row[days] = cut
    short = (np.diff(days) > 1) & (np.diff(days) <= LONGEST_GAP) & (cut[:-1] > 0) & (cut[1:] > 0)
    for index in np.flatnonzero(short):
        row[days[index] + 1 : days[index + 1]] = cut[index]
