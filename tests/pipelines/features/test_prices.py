"""Daily prices by hand."""

from datetime import date
from typing import Any

import ibis

from contracts import columns as c
from contracts.events.names import ORDER_REFUNDED
from pipelines.features.prices import daily_prices
from tests.worlds import day, events_table, order, view


def prices(rows: list[dict[str, Any]], as_of: float = 5) -> dict[tuple[str, date], float]:
    table = daily_prices(ibis.memtable(events_table(rows)), day(as_of)).to_pyarrow()
    return {(row[c.ITEM_ID], row[c.DATE]): row[c.PRICE] for row in table.to_pylist()}


def test_a_view_gives_the_price_of_a_day_without_sales() -> None:
    rows = [*order("a", 0.1, {"tea": 1}, price=10.0), view("b", 1.5, "tea", **{c.PRICE: 8.0})]
    assert prices(rows) == {("tea", date(2025, 1, 1)): 10, ("tea", date(2025, 1, 2)): 8}


def test_a_refund_restates_an_old_price_and_does_not_count() -> None:
    rows = [*order("a", 0.1, {"tea": 1}, price=10.0), view("a", 1.5, "tea", event=ORDER_REFUNDED, **{c.PRICE: 99.0})]
    assert list(prices(rows)) == [("tea", date(2025, 1, 1))]


def test_no_price_and_a_price_of_nothing_say_nothing() -> None:
    rows = [view("a", 0.1, "tea"), view("a", 0.2, "tea", **{c.PRICE: 0.0})]
    assert prices(rows) == {}


def test_a_day_in_progress_is_left_out() -> None:
    rows = [view("a", 1.2, "tea", **{c.PRICE: 8.0})]
    assert prices(rows, as_of=1.5) == {}
    assert len(prices(rows, as_of=2)) == 1
