"""Orders net of refunds and cancellations, on worlds whose every order is known."""

from datetime import datetime
from typing import Any

import ibis
import pytest

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED
from pipelines.features.orders import GAP_DAYS, order_gaps, order_lines, orders, unlinked_refunds
from tests.worlds import day, events_table, order

Rows = list[dict[str, Any]]


def back(at: float, order_id: str, event: str = ORDER_REFUNDED, **more: Any) -> dict[str, Any]:
    return {c.EVENT: event, c.OCCURRED_AT: day(at), c.CUSTOMER_ID: "ada", c.ORDER_ID: order_id, **more}


def found(rows: Rows, as_of: datetime = day(100)) -> Rows:
    table = orders(ibis.memtable(events_table(rows)), as_of).to_pyarrow().sort_by("ordered_at")
    return table.to_pylist()  # type: ignore[no-any-return]


def refunds_besides(rows: Rows) -> Rows:
    """Money that was given back by refunds of no known order."""
    events = ibis.memtable(events_table(rows))
    found = unlinked_refunds(events, order_lines(events, day(100)), day(100)).to_pyarrow()
    return found.to_pylist()  # type: ignore[no-any-return]


def test_an_order_is_the_sum_of_its_lines() -> None:
    rows = order("ada", 1, {"tea": 2, "cup": 1}, price=5.0, order_id="one", discount=3.0)
    assert found(rows) == [
        {"customer_id": "ada", "order_id": "one", "ordered_at": day(1), "units": 3.0, "value": 12.0, "items": 2}
    ]


def test_lines_of_one_order_may_come_in_several_events() -> None:
    first = order("ada", 1, {"tea": 2}, order_id="one", message_id="a")
    second = order("ada", 1.1, {"cup": 1}, order_id="one", message_id="b")
    (only,) = found(first + second)
    assert (only["ordered_at"], only["units"], only["items"]) == (day(1), 3.0, 2)


def test_a_refund_with_products_takes_back_those_units() -> None:
    rows = order("ada", 1, {"tea": 2, "cup": 1}, price=5.0, order_id="one")
    rows.append(back(2, "one", item_id="tea", quantity=1.0))
    (left,) = found(rows)
    assert (left["units"], left["value"], left["items"]) == (2.0, 10.0, 2)


def test_more_back_than_bought_takes_no_other_item() -> None:
    rows = order("ada", 1, {"tea": 2, "cup": 1}, price=5.0, order_id="one")
    rows.append(back(2, "one", item_id="tea", quantity=9.0))
    (left,) = found(rows)
    assert (left["units"], left["value"], left["items"]) == (1.0, 5.0, 1)


@pytest.mark.parametrize(
    "undoing",
    [
        [back(2, "one")],
        [back(2, "one", ORDER_CANCELLED)],
        [back(2, "one", ORDER_CANCELLED, item_id="tea", quantity=1.0)],
        [back(2, "one", item_id="tea", quantity=2.0), back(3, "one", item_id="cup", quantity=1.0)],
    ],
    ids=["refund without products", "cancellation", "cancellation with products", "every product back"],
)
def test_an_order_wholly_undone_is_no_order(undoing: Rows) -> None:
    rows = order("ada", 1, {"tea": 2, "cup": 1}, order_id="one") + order("ada", 5, {"tea": 1}, order_id="two")
    assert [row["order_id"] for row in found(rows + undoing)] == ["two"]
    assert [row["order_id"] for row in found(rows + undoing, as_of=day(1.5))] == ["one"]  # nobody knew yet


def test_an_order_without_products_counts_at_its_stated_revenue() -> None:
    rows = [back(1, "one", "Order Completed", revenue=42.0)]
    (only,) = found(rows)
    assert (only["units"], only["value"], only["items"]) == (0.0, 42.0, 0)


def test_a_credit_note_of_its_own_number_takes_back_what_was_bought_at_that_price_latest_first() -> None:
    rows = order("ada", 1, {"tea": 2}, order_id="one") + order("ada", 3, {"tea": 2, "cup": 1}, order_id="two")
    rows += order("ada", 9, {"tea": 5}, order_id="after") + order("bob", 3, {"tea": 5}, order_id="bob's")
    rows.append(back(5, "note-1", item_id="tea", quantity=3.0, price=10.0, message_id="note"))
    left = {row["order_id"]: (row["units"], row["value"]) for row in found(rows)}
    assert left == {"one": (1.0, 10.0), "two": (1.0, 10.0), "after": (5.0, 50.0), "bob's": (5.0, 50.0)}
    assert refunds_besides(rows) == []


def test_a_credit_note_for_all_undoes_the_order_and_one_for_more_gives_back_money_besides() -> None:
    rows = order("ada", 1, {"tea": 2}, order_id="one")
    rows.append(back(5, "note-1", item_id="tea", quantity=3.0, price=10.0, message_id="note"))
    assert found(rows) == []
    assert refunds_besides(rows) == [{"customer_id": "ada", "value": 10.0}]
    assert len(found(rows, as_of=day(4))) == 1  # nobody knew yet


def test_refunds_of_unknown_orders_at_another_price_undo_nothing_and_are_summed() -> None:
    rows = order("ada", 1, {"tea": 2}, order_id="one")
    rows += [
        back(2, "unheard-of", item_id="tea", quantity=2.0, price=4.0, message_id="a"),
        back(3, "stated", revenue=-7.0, message_id="b"),
        back(4, "one", item_id="tea", quantity=1.0, price=10.0, message_id="c"),
    ]
    assert len(found(rows)) == 1
    assert refunds_besides(rows) == [{"customer_id": "ada", "value": 15.0}]


def test_gaps_are_between_days_with_an_order() -> None:
    rows = [line for at in (1.0, 1.3, 11.0, 41.5) for line in order("ada", at, {"tea": 1})]
    placed = orders(ibis.memtable(events_table(rows)), day(100))
    gaps = order_gaps(placed).order_by("day").to_pyarrow()[GAP_DAYS].to_pylist()
    assert gaps == [None, 10, 30]
