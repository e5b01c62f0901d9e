"""What was given back, on stories whose right answer is known."""

from typing import Any

import ibis
import pytest

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED
from pipelines.features.orders import orders
from tests.worlds import day, events_table, order

Rows = list[dict[str, Any]]
PAGE, SERVER, TABLE = "api:web", "server:shop", "shopify_refunds"
ORDER: Rows = order("ada", 1, {"tea": 2, "cup": 1}, price=10.0, order_id="one", source=SERVER)


def back(at: float, source: str = SERVER, event: str = ORDER_REFUNDED, **more: Any) -> dict[str, Any]:
    return {
        c.EVENT: event,
        c.OCCURRED_AT: day(at),
        c.CUSTOMER_ID: "office",
        c.ORDER_ID: "one",
        c.SOURCE: source,
        **more,
    }


def left(*events: dict[str, Any], bought: Rows = ORDER) -> list[tuple[float, float]]:
    """Units and value of the orders that stand."""
    table = orders(ibis.memtable(events_table([*bought, *events])), day(100)).to_pyarrow()
    return [(row[c.UNITS], row["value"]) for row in table.to_pylist()]


@pytest.mark.parametrize(("amount", "value"), [(5.0, 25.0), (-5.0, 25.0), (29.99, 0.01)])
def test_a_refund_by_amount_gives_back_money_and_no_units(amount: float, value: float) -> None:
    assert left(back(2, revenue=amount)) == [(3.0, value)]


@pytest.mark.parametrize("amount", [30.0, -30.0, 34.9])
def test_the_amount_of_all_that_is_left_undoes_the_order(amount: float) -> None:
    """The total of a refund may have shipping and tax in it."""
    assert left(back(2, revenue=amount)) == []


def test_amounts_add_up_and_follow_what_was_given_back_by_line() -> None:
    by_line = back(2, item_id="tea", quantity=1.0)
    assert left(back(2, revenue=5.0), back(3, revenue=5.0)) == [(3.0, 20.0)]
    assert left(by_line, back(3, revenue=5.0)) == [(2.0, 15.0)]
    assert left(by_line, back(3, revenue=20.0)) == []


def test_an_amount_is_of_what_was_paid_after_the_discount() -> None:
    discounted = [row | {c.DISCOUNT: 6.0} for row in ORDER]
    assert left(back(2, revenue=4.0), bought=discounted) == [(3.0, 20.0)]
    assert left(back(2, revenue=24.0), bought=discounted) == []


def test_an_amount_lowers_a_revenue_that_was_stated_without_lines() -> None:
    stated = [ORDER[0] | {c.ITEM_ID: None, c.QUANTITY: None, c.PRICE: None, c.REVENUE: 50.0}]
    assert left(back(2, revenue=20.0), bought=stated) == [(0.0, 30.0)]
    assert left(back(2, revenue=50.0), bought=stated) == []


def test_a_refund_that_is_sent_again_counts_once_and_rows_of_a_table_each() -> None:
    by_line, by_amount = {"item_id": "tea", "quantity": 1.0}, {"revenue": 5.0}
    assert left(back(2, **by_line), back(2, **by_line)) == [(2.0, 20.0)]
    assert left(back(2, **by_amount), back(2, **by_amount)) == [(3.0, 25.0)]
    assert left(back(2, TABLE, **by_line), back(2, TABLE, **by_line)) == [(1.0, 10.0)]
    assert left(back(2, TABLE, **by_amount), back(2, TABLE, **by_amount)) == [(3.0, 20.0)]


def test_of_two_sources_that_tell_a_refund_one_counts() -> None:
    assert left(back(2, item_id="tea", quantity=1.0), back(2.1, TABLE, revenue=10.0)) == [(2.0, 20.0)]


@pytest.mark.parametrize("event", [ORDER_REFUNDED, ORDER_CANCELLED])
def test_a_page_gives_back_only_what_a_page_has_sold(event: str) -> None:
    of_page = [row | {c.SOURCE: PAGE} for row in ORDER]
    assert left(back(2, PAGE, event)) == [(3.0, 30.0)]
    assert left(back(2, PAGE, event), bought=of_page) == []
    assert left(back(2, PAGE, revenue=5.0)) == [(3.0, 30.0)]
    assert left(back(2, PAGE, revenue=5.0), bought=of_page) == [(3.0, 25.0)]
    assert left(back(2, PAGE, item_id="tea", quantity=1.0)) == [(3.0, 30.0)]
    assert left(back(2, PAGE, item_id="tea", quantity=1.0), bought=of_page) == [(2.0, 20.0)]


def test_a_cancellation_undoes_the_order_after_any_refund_of_another_source() -> None:
    assert left(back(2, revenue=5.0), back(3, TABLE, ORDER_CANCELLED)) == []
