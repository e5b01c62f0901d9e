"""Daily demand by hand, and no look at the future."""

from datetime import date
from typing import Any

import ibis
import pytest

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED
from pipelines.features.demand import COUPON_UNITS, channel_demand, daily_demand, order_countries
from tests.pipelines.features.leaks import busy_world, computed, looks_ahead
from tests.worlds import day, events_table, order, view


def back(event: str, order_id: str, at: float, **more: Any) -> dict[str, Any]:
    return {c.EVENT: event, c.OCCURRED_AT: day(at), c.CUSTOMER_ID: "a", c.ORDER_ID: order_id, **more}


def demand(rows: list[dict[str, Any]], as_of: float) -> dict[tuple[str, date], tuple[float, float | None]]:
    lines = events_table(rows).select(c.EVENT_LINES.names)  # demand needs no customers
    table = daily_demand(ibis.memtable(lines), day(as_of)).to_pyarrow()
    return {(row[c.ITEM_ID], row[c.DATE]): (row[c.UNITS], row[c.PRICE]) for row in table.to_pylist()}


def test_units_are_added_up_by_item_and_day_and_the_price_is_their_mean() -> None:
    rows = [
        *order("a", 0.1, {"tea": 2, "jam": 1}, price=4.0),
        *order("b", 0.9, {"tea": 6}, price=8.0),
        *order("b", 1.0, {"tea": 1}, price=8.0),
        view("a", 0.2, "tea"),
    ]
    first, second = date(2025, 1, 1), date(2025, 1, 2)
    assert demand(rows, as_of=5) == {("tea", first): (8, 7), ("jam", first): (1, 4), ("tea", second): (1, 8)}


def test_lines_without_a_price_do_not_count_in_the_mean() -> None:
    rows = [*order("a", 0.1, {"tea": 2}, price=4.0), *order("b", 0.2, {"tea": 2}, **{c.PRICE: None})]
    assert demand(rows, as_of=5) == {("tea", date(2025, 1, 1)): (4, 4)}
    assert demand(rows[1:], as_of=5) == {("tea", date(2025, 1, 1)): (2, None)}


def test_a_day_in_progress_is_left_out() -> None:
    rows = [*order("a", 0.1, {"tea": 2}), *order("a", 1.1, {"tea": 2})]
    assert list(demand(rows, as_of=1.5)) == [("tea", date(2025, 1, 1))]
    assert len(demand(rows, as_of=2)) == 2


def test_a_refund_leaves_demand_and_a_cancellation_takes_it_away_once_it_is_known() -> None:
    rows = [
        *order("a", 0.1, {"tea": 2}, order_id="kept"),
        *order("a", 0.2, {"tea": 3}, order_id="undone"),
        back(ORDER_REFUNDED, "kept", 0.5),
        back(ORDER_CANCELLED, "undone", 3.0),
    ]
    first = ("tea", date(2025, 1, 1))
    assert demand(rows, as_of=2)[first][0] == 5
    assert demand(rows, as_of=4)[first][0] == 2


def test_units_bought_with_a_coupon_are_counted_apart() -> None:
    rows = [*order("a", 0.1, {"tea": 2}, **{c.COUPON: "THANKS"}), *order("b", 0.2, {"tea": 3})]
    row = daily_demand(ibis.memtable(events_table(rows)), day(5)).to_pyarrow().to_pylist()[0]
    assert (row[c.UNITS], row[COUPON_UNITS]) == (5, 2)


def test_channels_are_separate_and_add_up_to_the_items_demand() -> None:
    rows = [
        *order("a", 0.1, {"tea": 2}, **{c.CHANNEL: "email"}),
        *order("b", 0.2, {"tea": 3}, **{c.CHANNEL: "search"}),
        *order("c", 0.3, {"tea": 4}),
    ]
    table = channel_demand(ibis.memtable(events_table(rows)), day(5)).to_pyarrow().to_pylist()
    assert {row[c.CHANNEL]: row[c.UNITS] for row in table} == {"email": 2, "search": 3, None: 4}
    assert demand(rows, as_of=5) == {("tea", date(2025, 1, 1)): (9, 10)}


def test_countries_are_counted_by_orders_not_by_lines() -> None:
    rows = [
        *order("a", 0.1, {"tea": 2, "jam": 1, "cake": 1}, **{c.COUNTRY: "NO"}),
        *order("b", 0.2, {"tea": 3}, **{c.COUNTRY: "NZ"}),
        *order("b", 0.3, {"tea": 3}, **{c.COUNTRY: "NZ"}),
        *order("c", 0.4, {"tea": 3}),
        *order("c", 6.0, {"tea": 3}, **{c.COUNTRY: "NO"}),
    ]
    table = order_countries(ibis.memtable(events_table(rows)), day(5)).to_pyarrow().to_pylist()
    assert {row[c.COUNTRY]: row[c.ORDERS] for row in table} == {"NO": 1, "NZ": 2}


@pytest.mark.parametrize("as_of", [60, 60.7])
def test_it_looks_at_nothing_at_or_after_as_of(as_of: float) -> None:
    world = busy_world(seed=1)
    assert computed(daily_demand, world, day(as_of))
    assert not looks_ahead(daily_demand, world, day(as_of))


def test_a_planted_leak_is_caught() -> None:
    def knows_tomorrow(events: ibis.Table, as_of: Any) -> ibis.Table:
        return daily_demand(events, day(1000))

    assert looks_ahead(knows_tomorrow, busy_world(seed=1), day(60))
