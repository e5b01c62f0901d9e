"""Snapshots: who is in, what followed, and the horizon that a store's gaps imply."""

from datetime import datetime
from typing import Any

import pyarrow as pa
import pytest

from contracts import columns as c
from contracts.events.names import ORDER_CANCELLED
from contracts.time_units import SECONDS_PER_DAY
from models.customers.cadence import CadenceParameters
from pipelines.families.snapshots import CustomerHistory, Snapshot
from tests.pipelines.families.histories import history_of
from tests.worlds import day, events_table, order

PARAMETERS = CadenceParameters(min_customers=1)


def rows_of(orders: dict[str, tuple[float, ...]]) -> list[dict[str, Any]]:
    return [line for name, days in orders.items() for at in days for line in order(name, at, {"tea": 1})]


def history(rows: list[dict[str, Any]], as_of: datetime = day(200)) -> CustomerHistory:
    return history_of(events_table(rows), as_of)


def outcomes(snapshot: Snapshot) -> dict[str, int]:
    assert snapshot.outcome is not None
    return dict(zip(snapshot.customer_ids.to_pylist(), snapshot.outcome.tolist(), strict=True))


def test_the_outcome_is_whether_an_order_follows_within_the_horizon() -> None:
    rows = rows_of({
        "at the snapshot": (90, 100),
        "just before the end": (90, 129.9),
        "at the end": (90, 130),
        "never": (90,),
        "new afterwards": (110,),
        "silent for two horizons": (40, 110),
    })  # fmt: skip
    assert outcomes(history(rows).snapshot(day(100), horizon_days=30)) == {
        "at the snapshot": 0,
        "just before the end": 0,
        "at the end": 1,
        "never": 1,
    }


def test_an_order_cancelled_within_the_window_is_no_return_and_one_cancelled_later_is() -> None:
    rows = rows_of({"soon": (90, 110), "late": (90, 110)})
    for name, at in (("soon", 120), ("late", 140)):
        rows.append({
            c.EVENT: ORDER_CANCELLED, c.OCCURRED_AT: day(at), c.CUSTOMER_ID: name, c.ORDER_ID: f"order-{name}-110"
        })  # fmt: skip
    assert outcomes(history(rows).snapshot(day(100), horizon_days=30)) == {"soon": 1, "late": 0}


def test_without_a_horizon_all_customers_are_there_and_no_outcome() -> None:
    snapshot = history(rows_of({"old": (1,), "new": (99,), "later": (101,)})).snapshot(day(100))
    assert snapshot.customer_ids.to_pylist() == ["new", "old"]
    assert snapshot.recency_days.tolist() == [1.0, 99.0]
    assert snapshot.outcome is None


def test_an_order_counts_while_it_stands_whichever_cut_off_was_queried_before() -> None:
    undone = {c.EVENT: ORDER_CANCELLED, c.OCCURRED_AT: day(50), c.CUSTOMER_ID: "ann", c.ORDER_ID: "order-ann-10"}
    known = history([*rows_of({"ann": (10, 40), "bob": (20,)}), undone])
    origin = int(day(0).timestamp() // SECONDS_PER_DAY)
    found = {
        at: [(row[c.CUSTOMER_ID], row[c.DAY] - origin) for row in known.order_days(day(at)).to_pylist()]
        for at in (100, 30, 51, 45, 5)
    }
    assert found == {
        100: [("ann", 40), ("bob", 20)],
        30: [("ann", 10), ("bob", 20)],
        51: [("ann", 40), ("bob", 20)],
        45: [("ann", 10), ("ann", 40), ("bob", 20)],
        5: [],
    }
    assert known.order_days(day(45), since=day(20))[c.CUSTOMER_ID].to_pylist() == ["ann", "bob"]
    assert [known.snapshot(day(at)).features.shape[0] for at in (5, 15, 30)] == [0, 1, 2]


def test_the_horizon_is_a_high_quantile_of_the_gaps() -> None:
    rows = rows_of({f"c-{gap}": (1, 1 + gap) for gap in range(10, 30)} | {"once": (0,)})
    cadence = history(rows).cadence(PARAMETERS, "churn")
    assert cadence.first_order_at == day(0)
    assert cadence.median_gap_days == pytest.approx(19.5)
    assert cadence.horizon_days == 26


def test_who_is_a_customer_is_as_known_before_the_snapshot() -> None:
    """Ann's device is a stranger until day 105: its orders are no feature of hers before, but an outcome."""
    guest = {c.IS_KNOWN: False, c.USER_ID: None, c.ANONYMOUS_ID: "phone"}
    rows = [
        *order("ann", 50, {"tea": 1}),
        *order("phone", 90, {"tea": 1}, **guest),
        *order("phone", 103, {"tea": 1}, **guest),
    ]
    rows += [{c.OCCURRED_AT: day(105), c.CUSTOMER_ID: "ann", c.ANONYMOUS_ID: "phone", c.TYPE: "identify"}]
    known = history(rows)
    assert known.snapshot(day(100)).recency_days.tolist() == [50.0]
    assert known.snapshot(day(106)).recency_days.tolist() == [3.0]
    assert outcomes(known.snapshot(day(100), horizon_days=30)) == {"ann": 0}
    assert outcomes(history(rows[:-1]).snapshot(day(100), horizon_days=30)) == {"ann": 1}  # who never signs in
    spent = known.outcomes(pa.array(["ann"]), day(100), day(104))
    assert spent[0].tolist() == [0.0]  # the link was not known by then
    assert known.outcomes(pa.array(["ann"]), day(100), day(106))[0].tolist() == [1.0]


def test_who_refused_later_is_in_earlier_snapshots_and_who_agrees_later_is_not() -> None:
    no, yes = ({c.CONSENT_PERSONALIZATION: given} for given in (False, True))
    rows = [*order("ann", 50, {"tea": 1}), *order("bob", 50, {"tea": 1}, **no)]
    rows += [*order("ann", 110, {"tea": 1}, **no), *order("bob", 110, {"tea": 1}, **yes)]
    known = history(rows)
    assert outcomes(known.snapshot(day(100), horizon_days=40)) == {"ann": 0}
    assert known.snapshot(day(120)).customer_ids.to_pylist() == ["bob"]


def test_what_is_published_learns_from_nobody_who_refuses_by_then() -> None:
    refusal = {c.OCCURRED_AT: day(110), c.TYPE: "identify", c.CONSENT_PERSONALIZATION: False}
    guest = {c.IS_KNOWN: False, c.USER_ID: None, c.ANONYMOUS_ID: "phone"}
    rows = [*order("ann", 50, {"tea": 1}), *order("bob", 50, {"tea": 1}), *order("cy", 60, {"tea": 1})]
    rows += [{**refusal, c.CUSTOMER_ID: "ann"}, {**refusal, c.CUSTOMER_ID: "phone", **guest}]
    rows += [{c.OCCURRED_AT: day(115), c.CUSTOMER_ID: "cy", c.ANONYMOUS_ID: "phone", c.TYPE: "identify"}]
    known = history(rows)
    published = known.without_refusals()
    assert known.snapshot(day(100)).customer_ids.to_pylist() == ["ann", "bob", "cy"]
    assert published.snapshot(day(100)).customer_ids.to_pylist() == ["bob"]  # of cy, the phone refused
    assert published.order_days(day(100))[c.CUSTOMER_ID].to_pylist() == ["bob"]
    assert known.snapshot(day(100)).customer_ids.to_pylist() == ["ann", "bob", "cy"]


def test_the_horizon_of_a_backtest_is_set_by_gaps_before_its_test_period() -> None:
    """Until day 270 everybody comes back after 20 to 25 days, then after one day."""
    rows = rows_of({f"c-{number}": (*range(2, 270, 20 + number), *range(290, 296)) for number in range(6)})
    known, parameters = history(rows, day(300)), CadenceParameters(min_customers=1, horizon_quantile=0.2)
    assert known.cadence_before_test(parameters, "churn").horizon_days >= 20
    assert known.cadence(parameters, "churn").horizon_days == 7
