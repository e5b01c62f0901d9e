"""One currency for all amounts of a store.

Events are stored as they were sent, and their amounts are converted when they are read. So the original amounts are
kept, a rate or the store's currency can be changed without a new ingest, and no model sees two currencies. Ingest
refuses an event in a currency without a rate; the rate itself does not change what is stored.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa

from contracts import columns as c
from contracts.errors import InvalidEvent, SettingsError
from contracts.exchange_rates import CURRENCY_CODE, ExchangeRates, currency_code

if TYPE_CHECKING:  # the workers of ingest import this module, and start in a third of the time without the engine
    import ibis

AMOUNTS: Final = (c.REVENUE, c.DISCOUNT, c.FEES, c.PRICE)
RATE: Final = "rate"
NO_RATE: Final = "no_exchange_rate"
_RATES: Final = pa.schema([(c.CURRENCY, pa.string()), (c.DAY, pa.date32()), (RATE, pa.float64())])


class Stated(NamedTuple):
    """A currency that stored events state, as it was sent, with the first and last time."""

    text: str
    first: datetime
    last: datetime


@dataclass(frozen=True)
class AcceptedCurrencies:
    """The currencies that events may state: the store's, and others from their first rate on."""

    currency: str | None  # None: the store's is not known yet
    since: Mapping[str, date]

    def checked(self, stated: str, at: datetime) -> "AcceptedCurrencies":
        """The same, or with the stated currency as the store's, where that was not known. Raises InvalidEvent."""
        code = currency_code(stated)
        if code is None or code == self.currency:
            return self
        if not CURRENCY_CODE.fullmatch(code):
            raise InvalidEvent(
                "bad_currency",
                f"the currency is {code[:40]!r}; a code of three letters (ISO 4217), such as EUR, is needed.",
            )
        if self.currency is None:
            return replace(self, currency=code)
        first = self.since.get(code)
        if first is None or at.astimezone(UTC).date() < first:
            raise InvalidEvent(NO_RATE, _no_rate(code, self.currency, first, at))
        return self


def store_currency(stated: Iterable[Stated], rates: ExchangeRates) -> str | None:
    """The setting, else the one currency that the stored events state; None where they state none.

    Raises SettingsError where they state several.
    """
    if rates.currency is not None:
        return rates.currency
    codes = sorted({code for each in stated if (code := currency_code(each.text)) is not None})
    if len(codes) > 1:
        raise SettingsError(
            f"the stored events state several currencies: {', '.join(codes)}. Set `currency` (SHOPKEEPER_CURRENCY) to "
            "the store's, and `exchange_rates` (SHOPKEEPER_EXCHANGE_RATES) to a CSV file with the rates of the others."
        )
    return codes[0] if codes else None


def stated_currencies(lines: "ibis.Table") -> list[Stated]:
    """The values of the column `currency`, in every spelling that was sent."""
    at = lines[c.OCCURRED_AT]
    spellings = lines.filter(lines[c.CURRENCY].notnull()).group_by(c.CURRENCY).agg(first=at.min(), last=at.max())
    return [Stated(*row.values()) for row in spellings.order_by(c.CURRENCY).to_pyarrow().to_pylist()]


def daily_rates(stated: Iterable[Stated], rates: ExchangeRates) -> pa.Table:
    """The rate of each other currency that events state, for every UTC day from their first to their last.

    Columns: currency (as it was sent), day, rate. Raises SettingsError where a rate is missing, as it may be after the
    settings were changed.
    """
    currency = store_currency(stated, rates)
    rows: list[tuple[str, date, float]] = []
    for each in stated:
        code = currency_code(each.text)
        if code is None or code == currency:
            continue
        day, last = each.first.date(), each.last.date()
        if rates.rate(code, day) is None:
            first = rates.first_days().get(code)
            raise SettingsError(f"events are stored of which {_no_rate(code, str(currency), first, each.first)}")
        while day <= last:
            rows.append((each.text, day, rates.rate(code, day) or 0.0))
            day += timedelta(days=1)
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table([pa.array(values, f.type) for f, values in zip(_RATES, columns, strict=True)], schema=_RATES)


def converted(lines: "ibis.Table", rates: "ibis.Table", currency: str) -> "ibis.Table":
    """The lines with all amounts, and the column that says their currency, in the store's currency.

    `rates` is what `daily_rates` gave; lines that it does not name stay as they are.
    """
    import ibis

    dated = lines.mutate(**{c.DAY: lines[c.OCCURRED_AT].date()})
    joined = dated.left_join(rates, [c.CURRENCY, c.DAY])
    rate = joined[RATE]
    exchanged = {name: joined[name] * rate.coalesce(1.0) for name in AMOUNTS}
    code = ibis.ifelse(rate.notnull(), currency, joined[c.CURRENCY])
    return joined.mutate(**exchanged, **{c.CURRENCY: code}).select(lines.columns)


def _no_rate(code: str, currency: str, first: date | None, at: datetime) -> str:
    """What is missing, and what to do about it."""
    if first is None:
        return (
            f"the amounts are in {code}, for which there is no exchange rate into {currency}, the store's currency. "
            f"Add {code} to the CSV file that `exchange_rates` (SHOPKEEPER_EXCHANGE_RATES) names, with `currency` "
            f"(SHOPKEEPER_CURRENCY) set to {currency}, and ingest again."
        )
    return (
        f"the amounts are in {code}, of {at:%Y-%m-%d}, and the first exchange rate from {code} into {currency} is of "
        f"{first}. Add an earlier one to the CSV file that `exchange_rates` names, or one without a date, and ingest "
        "again."
    )
