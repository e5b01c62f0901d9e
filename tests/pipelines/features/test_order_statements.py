"""One order per order id, on stories whose right answer is known."""

from datetime import datetime
from typing import Any

import ibis
import pytest

from contracts import columns as c
from contracts.customer_id import ANONYMOUS_PREFIX
from contracts.events.names import ORDER_UPDATED
from contracts.logs.sources import JSON_FILE
from pipelines.features.order_statements import IS_OF_PAGE, ORDERED_AT, UNITS_ORDERED, VALUE_ORDERED, stated_lines
from tests.worlds import day, events_table, order

Rows = list[dict[str, Any]]
PAGE, SERVER, TABLE = "api:web", "server:shop", "shopify_orders"


def told(at: float, items: dict[str, float], message_id: str, source: str = SERVER, **more: Any) -> Rows:
    """A statement of order "one", of a source of events, unless `more` says otherwise."""
    who = {"customer_id": "ada", "order_id": "one", **more}
    return order(who.pop("customer_id"), at, items, **who, message_id=message_id, source=source)


def lines(rows: Rows, as_of: datetime = day(100)) -> Rows:
    table = stated_lines(ibis.memtable(events_table(rows)), as_of).to_pyarrow()
    return sorted(table.to_pylist(), key=lambda row: (row[c.ORDER_ID], str(row[c.ITEM_ID])))


def units(rows: Rows, as_of: datetime = day(100)) -> dict[str, float]:
    return {row[c.ITEM_ID]: row[UNITS_ORDERED] for row in lines(rows, as_of)}


@pytest.mark.parametrize("source", [PAGE, SERVER, JSON_FILE])
def test_an_order_that_is_sent_again_counts_once(source: str) -> None:
    rows = [row for number in range(3) for row in told(number, {"tea": 2}, f"m{number}", source, revenue=20.0)]
    (line,) = lines(rows)
    assert (line[UNITS_ORDERED], line[VALUE_ORDERED], line[ORDERED_AT]) == (2.0, 20.0, day(0))


def test_an_item_in_two_lines_of_one_event_adds_up() -> None:
    twice = told(0, {"tea": 2}, "m") + [row | {c.LINE: 1} for row in told(0, {"tea": 3}, "m")]
    assert units(twice + [row | {c.MESSAGE_ID: "again"} for row in twice]) == {"tea": 5.0}


def test_rows_of_a_table_add_up_whatever_their_times() -> None:
    rows = told(0, {"tea": 2}, "a", TABLE) + told(0, {"tea": 2}, "b", TABLE) + told(0.5, {"cup": 1}, "c", TABLE)
    assert units(rows) == {"tea": 4.0, "cup": 1.0}


def test_bare_lines_of_a_json_file_at_one_instant_add_up_and_statements_of_whole_orders_do_not() -> None:
    bare = told(0, {"tea": 2}, "a", JSON_FILE) + told(0, {"tea": 2}, "b", JSON_FILE)
    assert units(bare) == {"tea": 4.0}
    assert units([row | {c.REVENUE: 20.0} for row in bare]) == {"tea": 2.0}
    whole = told(0, {"tea": 2, "cup": 1}, "a", JSON_FILE) + told(0, {"tea": 2, "cup": 1}, "b", JSON_FILE)
    assert units(whole) == {"tea": 2.0, "cup": 1.0}


def test_events_of_one_line_each_are_one_order() -> None:
    assert units(told(0, {"tea": 2}, "a") + told(0.1, {"cup": 1}, "b")) == {"tea": 2.0, "cup": 1.0}


def test_of_browser_and_server_the_server_counts_and_its_order_has_the_customer_of_either() -> None:
    page = told(0, {"tea": 9, "forged": 1}, "p", PAGE)
    guest = {"customer_id": f"{ANONYMOUS_PREFIX}server", c.IS_KNOWN: False}
    server = told(0.1, {"tea": 2}, "s", SERVER, **guest)
    for rows in (page + server, server + page):
        (line,) = lines(rows)
        assert (line[UNITS_ORDERED], line[ORDERED_AT], line[c.CUSTOMER_ID]) == (2.0, day(0.1), "ada")
        assert not line[IS_OF_PAGE]
    assert lines(page)[0][IS_OF_PAGE]


def test_a_statement_with_items_counts_before_one_without_of_the_same_trust() -> None:
    without = told(0, {"tea": 1}, "a", "server:payments", revenue=20.0)
    without = [row | {c.ITEM_ID: None, c.QUANTITY: None, c.PRICE: None} for row in without]
    assert units(without + told(0.1, {"tea": 2}, "b")) == {"tea": 2.0}


def test_an_order_is_of_the_known_customer_who_told_it_first_on_whatever_device() -> None:
    guest = {"customer_id": f"{ANONYMOUS_PREFIX}phone", c.IS_KNOWN: False}
    rows = told(0, {"tea": 1}, "a", PAGE, **guest) + told(1, {"tea": 1}, "b", PAGE)
    rows += told(2, {"tea": 1}, "c", PAGE, customer_id="bob")
    (line,) = lines(rows)
    assert (line[c.CUSTOMER_ID], line[c.IS_KNOWN], line[UNITS_ORDERED]) == ("ada", True, 1.0)


def test_who_refuses_personalization_does_so_for_the_order_on_any_device() -> None:
    guest = {"customer_id": f"{ANONYMOUS_PREFIX}phone", c.IS_KNOWN: False}
    rows = told(0, {"tea": 1}, "a", PAGE, **guest)
    rows += told(1, {"tea": 1}, "b", PAGE, allows_personalization=False)
    (line,) = lines(rows)
    assert (line[c.CUSTOMER_ID], line[c.ALLOWS_PERSONALIZATION]) == ("ada", False)


def updated(at: float, items: dict[str, float], message_id: str, source: str = SERVER, **more: Any) -> Rows:
    return told(at, items, message_id, source, event=ORDER_UPDATED, **more)


def test_the_last_update_replaces_the_lines_and_keeps_the_time() -> None:
    rows = told(0, {"tea": 2, "cup": 1}, "a") + updated(1, {"tea": 5}, "b") + updated(2, {"tea": 1, "pot": 1}, "c")
    assert units(rows) == {"tea": 1.0, "pot": 1.0}
    assert units(rows, day(1.5)) == {"tea": 5.0}
    assert {row[ORDERED_AT] for row in lines(rows)} == {day(0)}
    assert units(rows + told(3, {"tea": 2, "cup": 1}, "a page that is loaded again")) == {"tea": 1.0, "pot": 1.0}


def test_an_update_without_products_changes_no_line() -> None:
    shipped = updated(1, {"tea": 1}, "b", revenue=5.0)
    shipped = [row | {c.ITEM_ID: None, c.QUANTITY: None, c.PRICE: None} for row in shipped]
    assert units(told(0, {"tea": 2}, "a") + shipped) == {"tea": 2.0}


def test_a_page_updates_only_what_a_page_has_told() -> None:
    forged = updated(1, {"tea": 900}, "f", PAGE)
    assert units(told(0, {"tea": 2}, "a") + forged) == {"tea": 2.0}
    assert units(told(0, {"tea": 2}, "a", PAGE) + forged) == {"tea": 900.0}
    assert units(told(0, {"tea": 2}, "a", PAGE) + updated(2, {"tea": 3}, "s") + forged) == {"tea": 3.0}


def test_orders_of_different_ids_are_different() -> None:
    rows = told(0, {"tea": 1}, "a") + told(0, {"tea": 1}, "b", order_id="two")
    assert [row[c.ORDER_ID] for row in lines(rows)] == ["one", "two"]
