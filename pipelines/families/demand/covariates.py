"""Known-future covariates: public holidays, planned promotions, and what else the demand calendar states.

The demand calendar is a CSV file of the shop. One row gives a covariate's value for a day or a range, for one item, a
category, or all. Covariates are promotions to come, days on which an item was out of stock, and whatever else moves
demand and is known ahead, such as opening hours or a mailing.

A covariate needs a value on every day of the horizon. One that the calendar gives on most days, such as a temperature,
must be given for every day to come. One that it gives now and then, such as a mailing, is 0 on the other days.
"""

import logging
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from contracts.errors import SettingsError
from contracts.files.csv_settings import table_rows
from pipelines.families.demand.sales import Assortment, Span
from pipelines.features.public_holidays import HOLIDAY

PROMOTION: Final = "promotion"  # the share of the usual price that is cut, such as 0.2
OUT_OF_STOCK: Final = "out_of_stock"  # 1 on days on which the item could not be bought
ALL_ITEMS: Final = "*"
_NEEDED: Final = ("date", "covariate", "value")
_FURTHER: Final = ("until", "item_id", "category")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HIGHEST: Final = {PROMOTION: 0.99, OUT_OF_STOCK: 1.0}  # of the reserved names; the lowest is 0
PROMOTED: Final = "promoted"  # whether there is a promotion at all, beside the depth of the price cut
DENSE_SHARE: Final = 0.5  # of the days since its first; a covariate given on more must be given on every day ahead
_RESERVED: Final = {HOLIDAY: "the country's holidays", PROMOTED: f"{PROMOTION!r}"}
USUAL_PRICE_DAYS: Final = 91
SMALLEST_CUT: Final = 0.05  # of the usual price; less is rounding, or a mix of prices within a day
LONGEST_GAP: Final = 7  # days without a price between two promoted days that are taken to be promoted too
ITEMS_AT_ONCE: Final = 2_000
_ENDS: Final = ((np.min, np.inf), (np.max, -np.inf))
log = logging.getLogger(__name__)


class Scope(NamedTuple):
    """What a row applies to: one item, or a category, or, with both blank, all items."""

    item_id: str = ""
    category: str = ""

    @property
    def rank(self) -> int:
        """The narrower scope, with the higher rank, wins where two rows apply to one day."""
        return 2 if self.item_id else 1 if self.category else 0


class Entry(NamedTuple):
    """One row: from `first` to `last`, both included, the covariate has that value."""

    scope: Scope
    covariate: str
    first: date
    last: date
    value: float


@dataclass(frozen=True)
class DemandCalendar:
    """All rows of the file, the widest scope first."""

    entries: tuple[Entry, ...] = ()

    @property
    def covariates(self) -> tuple[str, ...]:
        """The names that any row gives a value."""
        return tuple(sorted({entry.covariate for entry in self.entries}))

    def values(
        self, covariate: str, item_ids: np.ndarray, categories: np.ndarray, first: np.datetime64, days: int
    ) -> np.ndarray:
        """The covariate on `days` days from `first` on: (items, days) float32, NaN where none is given.

        `item_ids` is sorted; `categories` (items,) are names, blank for none.
        """
        given = np.full((len(item_ids), days), np.nan, dtype=np.float32)
        begin = first.astype("datetime64[D]").astype(int)
        for entry in (entry for entry in self.entries if entry.covariate == covariate):
            start = max(np.datetime64(entry.first, "D").astype(int) - begin, 0)
            stop = min(np.datetime64(entry.last, "D").astype(int) - begin + 1, days)
            if start < stop:
                given[_members(entry.scope, item_ids, categories), start:stop] = entry.value
        return given


def load_demand_calendar(path: Path | None) -> DemandCalendar:
    """Read a CSV file with the columns date, covariate, value and, if wanted, until, item_id and category.

    A row whose item_id and category are blank or `*` applies to all items. Raises SettingsError where the file cannot
    be read, a row is invalid, or two rows of one scope give one day two values.
    """
    if path is None:
        return DemandCalendar()
    entries = [_checked(row, where) for where, row in table_rows(path, "a demand calendar", _NEEDED, _FURTHER)]
    _refuse_contradictions(entries, path)
    return DemandCalendar(tuple(sorted(entries, key=lambda entry: (entry.scope.rank, entry))))


def known_future(
    calendar: DemandCalendar, holidays: np.ndarray | None, items: Assortment, span: Span, cuts: Callable[[], np.ndarray]
) -> dict[str, np.ndarray]:
    """Each covariate by day, (1 or items, days + ahead_days) float32 without NaN in the days ahead.

    `holidays` (days + ahead_days,) are 1 on public holidays. `cuts` returns the observed price cuts, (items, days). It
    is called only where the calendar plans promotions: without a plan, promotions to come are not known. Raises
    SettingsError where a value is missing that is needed.
    """
    known = {} if holidays is None else {HOLIDAY: holidays[None, :]}
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


def _members(scope: Scope, item_ids: np.ndarray, categories: np.ndarray) -> np.ndarray | slice:
    if scope.item_id:
        where = int(np.searchsorted(item_ids, scope.item_id))
        is_known = where < len(item_ids) and item_ids[where] == scope.item_id
        return slice(where, where + 1) if is_known else slice(0, 0)
    return np.flatnonzero(categories == scope.category) if scope.category else slice(None)


def _checked(row: dict[str, str], where: str) -> Entry:
    name, first = row["covariate"], _day(row["date"], where)
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{where}: the covariate is {name!r}; a name of small letters, digits and _ is needed, such as {PROMOTION}."
        )
    last = _day(row["until"], where) if row.get("until") else first
    if last < first:
        raise SettingsError(f"{where}: until is {last}, before the date {first}. Give the later day second.")
    scope = Scope(*("" if row.get(key, "") == ALL_ITEMS else row.get(key, "") for key in ("item_id", "category")))
    if scope.item_id and scope.category:
        raise SettingsError(
            f"{where}: the row names the item {scope.item_id!r} and the category {scope.category!r}. Name one of them."
        )
    return Entry(scope, name, first, last, _value(name, row["value"], where))


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{where}: {text!r} is not a date such as 2025-01-31.") from None


def _value(name: str, text: str, where: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise SettingsError(f"{where}: the value of {name} is {text!r}; a number is needed.")
    if name in _HIGHEST and not 0 <= value <= _HIGHEST[name]:
        raise SettingsError(
            f"{where}: {name} is {text}; it lies between 0 and {_HIGHEST[name]:g}: "
            + ("the share of the price that is cut, such as 0.2." if name == PROMOTION else "1 for out of stock.")
        )
    return value


def _refuse_contradictions(entries: Iterable[Entry], path: Path) -> None:
    before: Entry | None = None
    for entry in sorted(entries):
        if before is not None and entry[:2] == before[:2] and entry.first <= before.last:
            if entry.value != before.value:
                raise SettingsError(
                    f"{path}: {entry.covariate} of {_named(entry.scope)} is {before.value:g} until {before.last} and "
                    f"{entry.value:g} from {entry.first} on. Give each day one value."
                )
            entry = entry._replace(last=max(entry.last, before.last))
        before = entry


def _named(scope: Scope) -> str:
    return scope.item_id or scope.category or "all items"
