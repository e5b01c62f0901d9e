"""Snapshots: who is in, what followed, and the horizon that a store's gaps imply."""

from datetime import datetime
from typing import Any

import ibis
import pytest

from contracts import columns as c
from contracts.events import ORDER_CANCELLED
from models.churn import ChurnParameters
from pipelines.families.churn_snapshots import MIN_HORIZON_DAYS, CustomerHistory, Snapshot, _rhythm
from tests.worlds import day, events_table, order

PARAMETERS = ChurnParameters(min_customers=1)


def rows_of(orders: dict[str, tuple[float, ...]]) -> list[dict[str, Any]]:
    return [line for name, days in orders.items() for at in days for line in order(name, at, {"tea": 1})]


def history(rows: list[dict[str, Any]], as_of: datetime = day(200)) -> CustomerHistory:
    return CustomerHistory(ibis.memtable(events_table(rows)), as_of)


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


def test_without_a_horizon_everybody_is_there_and_no_outcome() -> None:
    snapshot = history(rows_of({"old": (1,), "new": (99,), "later": (101,)})).snapshot(day(100))
    assert snapshot.customer_ids.to_pylist() == ["new", "old"]
    assert snapshot.recency_days.tolist() == [1.0, 99.0]
    assert snapshot.outcome is None


def test_the_horizon_is_a_high_quantile_of_the_gaps() -> None:
    rows = rows_of({f"c-{gap}": (1, 1 + gap) for gap in range(10, 30)} | {"once": (0,)})
    rhythm = history(rows).rhythm(PARAMETERS)
    assert rhythm.first_order_at == day(0)
    assert rhythm.usual_gap_days == pytest.approx(19.5)
    assert rhythm.horizon_days == 26


@pytest.mark.parametrize(
    ("long_days", "history_days", "horizon_days"),
    [(60.0, 1000, 60), (60.0, 200, 40), (2.0, 1000, MIN_HORIZON_DAYS), (900.0, 10_000, 365)],
    ids=["as the gaps say", "as the history allows", "not below a week", "not above a year"],
)
def test_the_horizon_is_bounded(long_days: float, history_days: float, horizon_days: int) -> None:
    assert _rhythm(day(0), day(history_days), 5.0, long_days, PARAMETERS).horizon_days == horizon_days


def test_a_parameter_overrides_the_horizon() -> None:
    assert _rhythm(day(0), day(1000), 5.0, 60.0, ChurnParameters(horizon_days=14)).horizon_days == 14
