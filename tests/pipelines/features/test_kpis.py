"""A marketer's figures, counted by hand on a store of a few customers."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED, ORDER_REFUNDED
from pipelines.features import orders as order_features
from pipelines.features.kpis import ALL_CHANNELS, NO_CHANNEL, cohorts, kpis
from tests.worlds import DAY_ZERO, events_table, order, view

Rows = list[dict[str, Any]]


def at(text: str) -> float:
    """The days from the first of 2025 to this time in UTC."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - DAY_ZERO).total_seconds() / 86_400


def undo(order_id: str, when: str, event: str = ORDER_REFUNDED, **more: Any) -> dict[str, Any]:
    moment = datetime.fromisoformat(when).replace(tzinfo=UTC)
    return {c.EVENT: event, c.OCCURRED_AT: moment, c.CUSTOMER_ID: "office", c.ORDER_ID: order_id, **more}


AS_OF = datetime(2025, 4, 10, tzinfo=UTC)
LAPSE_DAYS = 60
# ada comes in January by email, twice, and in March by search; bob on the last second of January and never again;
# cy's only order is cancelled; dee comes on the first second of February and sends half of it back in March.
STORE: Rows = [
    *order("ada", at("2025-01-05"), {"tea": 1}, price=10.0, channel="email", order_id="ada-1"),
    *order("ada", at("2025-01-25"), {"tea": 2}, price=10.0, channel="email", order_id="ada-2"),
    *order("ada", at("2025-03-10"), {"pot": 1}, price=60.0, channel="search", order_id="ada-3"),
    *order("bob", at("2025-01-31T23:59:59"), {"cup": 1}, price=5.0, order_id="bob-1"),
    *order("cy", at("2025-02-03"), {"pot": 1}, price=99.0, channel="email", order_id="cy-1"),
    undo("cy-1", "2025-02-04", ORDER_CANCELLED),
    *order("dee", at("2025-02-01T00:00:00"), {"cup": 2}, price=5.0, channel="email", order_id="dee-1"),
    undo("dee-1", "2025-03-01", item_id="cup", quantity=1.0),
    view("eve", at("2025-01-01"), "tea"),
]
HAND = [
    # month, channel, orders, revenue, AOV, customers, new, repeat, repeat rate, per customer, lapsed, churned value
    ("2025-01", ALL_CHANNELS, 3, 35.0, 11.67, 2, 2, 1, 1 / 2, 17.5, 0, 0.0),
    ("2025-01", NO_CHANNEL, 1, 5.0, 5.0, 1, 1, 0, 0.0, 5.0, 0, 0.0),
    ("2025-01", "email", 2, 30.0, 15.0, 1, 1, 1, 1.0, 30.0, 0, 0.0),
    ("2025-02", ALL_CHANNELS, 1, 5.0, 5.0, 1, 1, 0, 0.0, 5.0, 0, 0.0),
    ("2025-02", "email", 1, 5.0, 5.0, 1, 1, 0, 0.0, 5.0, 0, 0.0),
    ("2025-03", ALL_CHANNELS, 1, 60.0, 60.0, 1, 0, 1, 1.0, 60.0, 0, 0.0),
    ("2025-03", "search", 1, 60.0, 60.0, 1, 0, 1, 1.0, 60.0, 0, 0.0),
    # bob's silence reaches 60 days in the last second of 1 April, dee's in the first of 2 April.
    ("2025-04", ALL_CHANNELS, 0, 0.0, None, 0, 0, 0, None, None, 2, 10.0),
    ("2025-04", NO_CHANNEL, 0, 0.0, None, 0, 0, 0, None, None, 1, 5.0),
    ("2025-04", "email", 0, 0.0, None, 0, 0, 0, None, None, 1, 5.0),
]


def kpi_rows(rows: Rows, as_of: datetime = AS_OF, lapse_days: int | None = LAPSE_DAYS) -> Rows:
    return kpis(ibis.memtable(events_table(rows)), as_of, lapse_days).to_pyarrow().to_pylist()  # type: ignore[no-any-return]


def cohort_rows(rows: Rows, as_of: datetime = AS_OF) -> Rows:
    return cohorts(ibis.memtable(events_table(rows)), as_of).to_pyarrow().to_pylist()  # type: ignore[no-any-return]


def test_every_figure_is_the_one_counted_by_hand() -> None:
    found = [
        (f"{row['month']:%Y-%m}", *(value for name, value in row.items() if name not in {"month", "is_complete"}))
        for row in kpi_rows(STORE)
    ]
    assert found == [pytest.approx(row) for row in HAND]


def test_the_month_under_way_is_not_complete() -> None:
    complete = {row["month"]: row["is_complete"] for row in kpi_rows(STORE)}
    assert complete == {date(2025, month, 1): month < 4 for month in (1, 2, 3, 4)}
    assert all(row["is_complete"] for row in kpi_rows(STORE, datetime(2025, 4, 1, tzinfo=UTC)))


def test_a_cohort_is_who_ordered_first_in_its_month() -> None:
    found = [tuple(row.values()) for row in cohort_rows(STORE)]
    january, february = date(2025, 1, 1), date(2025, 2, 1)
    assert found == [
        (january, 0, True, 2, 2, 1.0, 35.0),
        (january, 1, True, 2, 0, 0.0, 0.0),
        (january, 2, True, 2, 1, 0.5, 60.0),
        (january, 3, False, 2, 0, 0.0, 0.0),
        (february, 0, True, 1, 1, 1.0, 5.0),
        (february, 1, True, 1, 0, 0.0, 0.0),
        (february, 2, False, 1, 0, 0.0, 0.0),
    ]


def test_months_are_those_of_utc_whatever_the_zone_of_the_cut() -> None:
    elsewhere = AS_OF.astimezone(ZoneInfo("Pacific/Auckland"))
    assert kpi_rows(STORE, elsewhere) == kpi_rows(STORE)
    just_before = datetime(2025, 4, 1, tzinfo=UTC).astimezone(ZoneInfo("America/New_York"))
    assert {row["month"] for row in kpi_rows(STORE, just_before)} == {date(2025, month, 1) for month in (1, 2, 3)}


def test_who_comes_back_after_a_lapse_is_lost_once_and_can_be_lost_again() -> None:
    visits = ("2025-01-01", "2025-06-01", "2025-06-20")
    rows = [line for when in visits for line in order("ada", at(when), {"tea": 1}, price=10.0)]
    lost = {
        f"{row['month']:%Y-%m}": (row["lapsed_customers"], row["churned_value"])
        for row in kpi_rows(rows, datetime(2025, 12, 1, tzinfo=UTC))
        if row["channel"] == ALL_CHANNELS and row["lapsed_customers"]
    }
    assert lost == {"2025-03": (1, 10.0), "2025-08": (1, 30.0)}


def test_without_a_cadence_no_customer_is_lapsed() -> None:
    assert {(row["lapsed_customers"], row["churned_value"]) for row in kpi_rows(STORE, lapse_days=None)} == {
        (None, None)
    }


def test_a_channel_named_all_is_not_taken_for_the_sum() -> None:
    rows = kpi_rows(order("ada", 1, {"tea": 1}, channel="all"), datetime(2025, 2, 1, tzinfo=UTC))
    assert [(row["channel"], row["orders"]) for row in rows] == [("all", 1), ("all (as sent)", 1)]


def test_no_orders_give_no_rows() -> None:
    assert kpi_rows([view("eve", 1, "tea")]) == []
    assert cohort_rows([view("eve", 1, "tea")]) == []


LATER: Rows = [
    *order("ada", at("2025-04-10"), {"tea": 9}, channel="search", order_id="ada-4"),
    *order("new", at("2025-04-11"), {"tea": 9}, channel="later", order_id="new-1"),
    undo("ada-3", "2025-04-10"),
]


def leaks() -> bool:
    """Whether events at or after the cut change any figure."""
    return kpi_rows(STORE + LATER) != kpi_rows(STORE) or cohort_rows(STORE + LATER) != cohort_rows(STORE)


def test_what_happens_after_the_cut_changes_nothing() -> None:
    assert not leaks()


def test_a_leak_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    returned = order_features.returned_orders
    late = datetime(2030, 1, 1, tzinfo=UTC)
    monkeypatch.setattr(order_features, "returned_orders", lambda events, as_of: returned(events, late))
    assert leaks()


def test_the_types_are_those_of_the_table_that_is_served() -> None:
    table: pa.Table = kpis(ibis.memtable(events_table(STORE)), AS_OF, LAPSE_DAYS).to_pyarrow()
    assert pa.types.is_date(table.schema.field("month").type)
    assert pa.types.is_boolean(table.schema.field("is_complete").type)
    assert {str(table.schema.field(name).type) for name in ("orders", "customers", "lapsed_customers")} == {"int64"}
