"""The demand calendar: a CSV file of the shop with covariates by day.

It holds promotions to come, days on which an item was out of stock, and whatever else moves demand and is known ahead,
such as opening hours or a mailing. One row gives one value, for one day or a range, for one item, a category, or all.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from contracts.csv_settings import table_rows
from contracts.errors import SettingsError

PROMOTION: Final = "promotion"  # the share of the usual price that is cut, such as 0.2
OUT_OF_STOCK: Final = "out_of_stock"  # 1 on days on which the item could not be bought
ALL_ITEMS: Final = "*"
_NEEDED: Final = ("date", "covariate", "value")
_FURTHER: Final = ("until", "item_id", "category")
_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")
_HIGHEST: Final = {PROMOTION: 0.99, OUT_OF_STOCK: 1.0}  # of the reserved names; the lowest is 0


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
