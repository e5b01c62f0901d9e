from datetime import date
from pathlib import Path

import pytest

from contracts.errors import SettingsError
from contracts.exchange_rates import ExchangeRates, currency_code, load_exchange_rates


def rates(folder: Path, text: str, currency: str | None = "EUR") -> ExchangeRates:
    path = folder / "rates.csv"
    path.write_text(text, encoding="utf-8")
    return load_exchange_rates(currency, path)


def test_the_latest_rate_on_or_before_the_day_counts(tmp_path: Path) -> None:
    table = rates(tmp_path, "date,currency,rate\n2025-02-01,USD,0.96\n2025-01-01,USD,0.97\n2025-01-01,GBP,1.2\n")
    days = [date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 31), date(2025, 2, 1), date(2026, 1, 1)]
    assert [table.rate("USD", day) for day in days] == [None, 0.97, 0.97, 0.96, 0.96]
    assert table.rate("SEK", days[-1]) is None
    assert table.first_days() == {"USD": date(2025, 1, 1), "GBP": date(2025, 1, 1)}


def test_a_rate_without_a_date_counts_until_the_first_with_one(tmp_path: Path) -> None:
    table = rates(tmp_path, "\ufeffcurrency, rate ,date\nusd,0.96,2025-02-01\n\nUSD, 0.9 ,\n")
    assert [table.rate("USD", date(2025, month, 1)) for month in (1, 2)] == [0.9, 0.96]


def test_the_date_may_be_missing_and_the_own_currency_is_worth_one(tmp_path: Path) -> None:
    table = rates(tmp_path, "currency,rate\nUSD,0.9\nEUR,1\n")
    assert table.rate("USD", date(1990, 1, 1)) == 0.9


def test_without_a_table_there_are_no_rates() -> None:
    assert load_exchange_rates("EUR", None) == ExchangeRates("EUR")
    assert load_exchange_rates(None, None).currency is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "has the columns none"),
        ("USD,0.9\n", r"has the columns 'USD', '0\.9'"),
        ("currency,rate,base\nUSD,0.9,EUR\n", "'base'; a table of exchange rates has currency, rate and may have date"),
        ("currency,rate,rate\nUSD,0.9,0.9\n", "each once"),
        ("currency,rate\nUSD\n", "line 2: 1 values, where the header has 2"),
        ("currency,rate\nUSD,0,9\n", "line 2: 3 values"),
        ("currency,rate\ndollar,0.9\n", "'dollar' is not a currency code of three letters"),
        ("currency,rate\nUSD,cheap\n", "the rate is 'cheap'; a number above 0"),
        ("currency,rate\nUSD,nan\n", "the rate is 'nan'"),
        ("currency,rate\nUSD,inf\n", "the rate is 'inf'"),
        ("currency,rate\nUSD,0\n", "the rate is '0'"),
        ("currency,rate\nUSD,-1\n", "the rate is '-1'"),
        ("currency,rate\nEUR,1.1\n", "EUR is the store's own currency"),
        ("date,currency,rate\n31.1.2025,USD,1\n", "'31.1.2025' is not a date"),
        ("currency,rate\nUSD,0.9\nusd,0.9\n", "line 3: there are two rates for USD. Leave"),
        ("date,currency,rate\n2025-01-01,USD,1\n2025-01-01,USD,2\n", "two rates for USD on 2025-01-01"),
    ],
)
def test_an_invalid_table_is_refused_with_the_reason(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        rates(tmp_path, text)


def test_an_unreadable_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.csv.*cannot be read"):
        load_exchange_rates("EUR", tmp_path / "nowhere.csv")
    (tmp_path / "latin.csv").write_bytes("währung,rate\n".encode("latin-1"))
    with pytest.raises(SettingsError, match="cannot be read"):
        load_exchange_rates("EUR", tmp_path / "latin.csv")


def test_rates_into_no_currency_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Set `currency`"):
        rates(tmp_path, "currency,rate\nUSD,0.9\n", currency=None)


def test_a_code_is_read_however_it_is_written() -> None:
    assert [currency_code(text) for text in ("EUR", " eur ", "", "  ", None)] == ["EUR", "EUR", None, None, None]
