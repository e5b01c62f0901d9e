"""Exchange rates into the store's currency, from the merchant's CSV file."""

import math
import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import Final

from contracts.errors import SettingsError
from contracts.files.csv_settings import table_rows

CURRENCY_CODE: Final = re.compile(r"[A-Z]{3}")  # ISO 4217
MAX_RATE: Final = 1e9  # a Kuwaiti dinar is worth some millions of Iranian rials
ALWAYS: Final = date.min  # the day of a rate without a date
_REQUIRED: Final = ("currency", "rate")
_OPTIONAL: Final = ("date",)

Dated = tuple[tuple[date, float], ...]  # the first day of each rate, ascending, and the rate


@dataclass(frozen=True)
class ExchangeRates:
    """The store's currency and the rates of others; without `currency`, the first one that an event states is used."""

    currency: str | None = None
    table: Mapping[str, Dated] = field(default_factory=dict)  # by currency

    def rate(self, currency: str, day: date) -> float | None:
        """The latest rate on or before that day; None where there is none."""
        dated = self.table.get(currency, ())
        place = bisect_right(dated, day, key=itemgetter(0))
        return dated[place - 1][1] if place else None

    def first_days(self) -> dict[str, date]:
        """For every currency of the table, the first day that has a rate."""
        return {currency: dated[0][0] for currency, dated in self.table.items()}


def currency_code(stated: str | None) -> str | None:
    """The code of a currency as it was sent; None where it is blank."""
    return (stated.strip().upper() or None) if stated else None


def load_exchange_rates(currency: str | None, path: Path | None) -> ExchangeRates:
    """Read a CSV file with the columns currency, rate (units of the store's currency for one) and, optionally, date.

    Raises SettingsError where the file cannot be read, or a line is not a rate.
    """
    if path is None:
        return ExchangeRates(currency)
    if currency is None:
        raise SettingsError(
            f"exchange_rates names {str(path)!r}, but the store's currency is not set. "
            "Set `currency` (SHOPKEEPER_CURRENCY), for example to EUR."
        )
    found: dict[str, dict[date, float]] = {}
    for place, row in table_rows(path, "a table of exchange rates", _REQUIRED, _OPTIONAL):
        code, day, rate = _checked(row, place, currency)
        if day in found.setdefault(code, {}):
            raise SettingsError(f"{place}: there are two rates for {code}{_on(day)}. Leave one of them out.")
        found[code][day] = rate
    return ExchangeRates(currency, {code: tuple(sorted(rates.items())) for code, rates in found.items()})


def _checked(row: dict[str, str], place: str, currency: str) -> tuple[str, date, float]:
    code = row["currency"].upper()
    if not CURRENCY_CODE.fullmatch(code):
        raise SettingsError(f"{place}: {row['currency']!r} is not a currency code of three letters, such as USD.")
    day, rate = _day(row.get("date", ""), place), _number(row["rate"])
    if not 0 < rate <= MAX_RATE:
        raise SettingsError(
            f"{place}: the rate is {row['rate']!r}; a number above 0 and at most {MAX_RATE:,.0f} is needed, such as "
            "0.92."
        )
    if code == currency and rate != 1:
        raise SettingsError(f"{place}: {code} is the store's own currency; its rate is 1. Leave the line out.")
    return code, day, rate


def _day(text: str, place: str) -> date:
    try:
        return date.fromisoformat(text) if text else ALWAYS
    except ValueError:
        raise SettingsError(f"{place}: {text!r} is not a date such as 2025-01-31.") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def _on(day: date) -> str:
    return "" if day == ALWAYS else f" on {day}"
