"""One currency: what is refused, what is converted, and that nothing sent is lost."""

from pathlib import Path
from typing import Any

import pytest

from contracts import columns as c
from contracts.errors import SettingsError
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.ingest.report import IngestReport
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import Warehouse, open_warehouse
from tests.pipelines.wire import NOW, bought, consent, rows, settings_in, track, write_events

CODES = {"no_exchange_rate": "into EUR, the store's currency", "bad_currency": "three letters"}


def paid(message_id: str, currency: str | None, price: float = 10.0, at: float = 0.0, **more: Any) -> dict[str, Any]:
    """An order of one cup, at that price."""
    event = bought(message_id, "ann", {"cup": price}, at, **more)
    event["properties"] |= {"currency": currency, "revenue": 2 * price, "discount": 1.0, "tax": 3.0}
    return event


class Shop:
    """A home whose settings change from call to call."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def settings(self, currency: str | None = None, rates: str | None = None) -> Settings:
        path = self.home / "rates.csv"
        if rates is not None:
            path.write_text(rates, encoding="utf-8")
        update = {"currency": currency, "exchange_rates": path if rates is not None else None}
        return settings_in(self.home).model_copy(update=update)

    def ingest(self, *events: dict[str, Any], currency: str | None = None, rates: str | None = None) -> IngestReport:
        file = write_events(self.home / "events.jsonl", events)
        report = ingest(self.settings(currency, rates), [file], now=NOW)
        assert report.total.adds_up
        return report

    def open(self, currency: str | None = None, rates: str | None = None) -> Warehouse:
        return open_warehouse(self.settings(currency, rates))


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


USD = "currency,rate\nUSD,0.5\n"
MONEY = (c.MESSAGE_ID, c.CURRENCY, c.PRICE, c.REVENUE, c.DISCOUNT, c.FEES)


def test_amounts_are_read_in_the_store_s_currency_and_kept_as_they_were_sent(shop: Shop) -> None:
    events = (paid("1", "EUR"), paid("2", "usd"), paid("3", None))
    assert shop.ingest(*events, currency="EUR", rates=USD).total.stored == 3
    warehouse = shop.open("EUR", USD)
    assert rows(views.events(warehouse), *MONEY) == [
        ("1", "EUR", 10.0, 20.0, 1.0, 3.0),
        ("2", "EUR", 5.0, 10.0, 0.5, 1.5),
        ("3", None, 10.0, 20.0, 1.0, 3.0),
    ]
    assert rows(warehouse.lines(), *MONEY)[1] == ("2", "usd", 10.0, 20.0, 1.0, 3.0)
    assert views.events(warehouse).to_pyarrow().cast(c.EVENTS).num_rows == 3


def test_each_day_has_its_rate(shop: Shop) -> None:
    """The events are of the 1st and the 2nd of March, at noon."""
    table = "date,currency,rate\n,USD,0.5\n2025-03-02,USD,0.25\n"
    shop.ingest(paid("1", "USD", at=0), paid("2", "USD", at=1), paid("3", "USD", at=9), currency="EUR", rates=table)
    assert rows(views.events(shop.open("EUR", table)), c.MESSAGE_ID, c.PRICE) == [("1", 5.0), ("2", 2.5), ("3", 2.5)]


def test_prices_of_the_catalogue_are_in_the_store_s_currency(shop: Shop) -> None:
    view = track("1", "Product Viewed", userId="ann", properties={"sku": "cup", "price": 8.0, "currency": "USD"})
    shop.ingest(view, currency="EUR", rates=USD)
    assert rows(views.catalogue(shop.open("EUR", USD)), c.ITEM_ID, c.PRICE) == [("cup", 4.0)]


def test_a_corrected_rate_and_another_currency_count_at_once(shop: Shop) -> None:
    shop.ingest(paid("1", "USD"), currency="EUR", rates=USD)
    for currency, rates, price in (("EUR", "currency,rate\nUSD,0.9\n", 9.0), ("USD", None, 10.0)):
        assert rows(views.events(shop.open(currency, rates)), c.PRICE) == [(price,)]


@pytest.mark.parametrize(
    ("currency", "code"), [("USD", "no_exchange_rate"), ("€", "bad_currency"), ("EURO", "bad_currency")]
)
def test_an_amount_that_cannot_be_converted_is_quarantined_with_the_reason(
    shop: Shop, currency: str, code: str
) -> None:
    report = shop.ingest(paid("1", "EUR"), paid("2", currency))
    assert (report.total.stored, report.total.quarantined) == (1, {code: 1})
    (row,) = shop.open().quarantine().to_pyarrow().to_pylist()
    assert CODES[code] in row[c.REASON]


def test_a_day_before_the_first_rate_is_quarantined(shop: Shop) -> None:
    table = "date,currency,rate\n2025-03-02,USD,0.25\n"
    report = shop.ingest(paid("1", "USD", at=0), paid("2", "USD", at=1), currency="EUR", rates=table)
    assert (report.total.stored, report.total.quarantined.total()) == (1, 1)
    (row,) = shop.open().quarantine().to_pyarrow().to_pylist()
    assert "of 2025-03-01, and the first exchange rate from USD into EUR is of 2025-03-02" in row[c.REASON]


def test_the_first_stated_currency_is_the_store_s_from_then_on(shop: Shop) -> None:
    assert shop.ingest(paid("0", None), paid("1", "GBP"), paid("2", "EUR")).total.quarantined.total() == 1
    assert views.currency(shop.open()) == "GBP"
    assert shop.ingest(paid("3", "EUR"), paid("4", " gbp ")).total.quarantined.total() == 1
    assert rows(views.events(shop.open()), c.MESSAGE_ID) == [("0",), ("1",), ("4",)]
    assert views.currency(shop.open("EUR", "currency,rate\nGBP,2\n")) == "EUR"  # the setting wins


def test_a_store_that_states_no_currency_has_none(shop: Shop) -> None:
    shop.ingest(paid("1", None), paid("2", "  "))
    assert views.currency(shop.open()) is None
    assert rows(views.events(shop.open()), c.PRICE) == [(10.0,), (10.0,)]


def test_a_refusal_of_analytics_is_heard_whatever_the_currency(shop: Shop) -> None:
    report = shop.ingest(paid("1", "EUR"), paid("2", "USD", context=consent(analytics=False)))
    assert (report.total.suppressed, report.total.quarantined.total()) == (1, 0)


def test_a_file_is_ingested_again_once_there_is_a_rate(shop: Shop) -> None:
    events = (paid("1", "EUR"), paid("2", "USD"))
    shop.ingest(*events, currency="EUR")
    second = shop.ingest(*events, currency="EUR", rates=USD)
    assert (second.total.stored, second.total.duplicate) == (1, 1)
    third = shop.ingest(*events, currency="EUR", rates=USD)
    assert (third.total.stored, third.total.duplicate) == (0, 2)


def test_stored_events_whose_rate_was_taken_away_stop_the_reader(shop: Shop) -> None:
    shop.ingest(paid("1", "USD"), currency="EUR", rates=USD)
    with pytest.raises(SettingsError, match="no exchange rate into EUR"):
        views.events(shop.open("EUR"))
    with pytest.raises(SettingsError, match=r"of 2025-03-01, and the first exchange rate .* is of 2025-04-01"):
        views.catalogue(shop.open("EUR", "date,currency,rate\n2025-04-01,USD,0.5\n"))


def test_several_stored_currencies_need_the_setting(shop: Shop) -> None:
    shop.ingest(paid("1", "USD"), paid("2", "EUR"), currency="EUR", rates=USD)
    for step in (views.currency, views.events):
        with pytest.raises(SettingsError, match=r"several currencies: EUR, USD\. Set `currency`"):
            step(shop.open())
