"""Snapshots of customers with known orders: features before the instant, time to the next order after it."""

from typing import Any

import numpy as np
import pytest

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.next_purchase.censored_customers import MEAN_GAP, RECENCY
from models.next_purchase.model import NextOrderParameters
from pipelines.families.next_purchase.snapshots import censored_snapshot, horizon_days, median_gap_days
from pipelines.families.snapshots import CustomerHistory
from tests.pipelines.families.histories import history_of
from tests.worlds import day, events_table, order

AS_OF = 400


def history(rows: list[dict[str, Any]]) -> CustomerHistory:
    return history_of(events_table(rows), day(AS_OF))


def orders(name: str, *days: float) -> list[dict[str, Any]]:
    return [line for at in days for line in order(name, at, {"tea": 1})]


@pytest.fixture(scope="module")
def store() -> CustomerHistory:
    refund = {c.EVENT: "Order Refunded", c.OCCURRED_AT: day(210), c.CUSTOMER_ID: "undone", c.ORDER_ID: "later"}
    undone = [*orders("undone", 40), *order("undone", 205, {"tea": 1}, order_id="later"), refund]
    return history([*orders("ada", 100, 130, 220.25, 230), *orders("bea", 180, 350), *orders("new", 300), *undone])


def test_time_to_the_next_order_is_censored_where_the_follow_up_ends(store: CustomerHistory) -> None:
    snapshot = censored_snapshot(store, day(200.5), day(300))
    assert snapshot.ids.to_pylist() == ["ada", "bea", "undone"]
    np.testing.assert_allclose(snapshot.customers.event_days, [19.75, np.inf, np.inf])
    assert snapshot.customers.follow_up_days == 99.5
    assert snapshot.customers.day_fraction == 0.5
    assert censored_snapshot(store, day(200.5), day(360)).customers.event_days[1] == pytest.approx(149.5)


def test_a_refunded_order_counts_only_until_it_is_refunded(store: CustomerHistory) -> None:
    assert censored_snapshot(store, day(200), day(208)).customers.event_days[2] == pytest.approx(5)
    after = censored_snapshot(store, day(220), day(300))
    assert after.customers.features[2, RECENCY] == pytest.approx(180)


def test_features_see_nothing_after_the_instant(store: CustomerHistory) -> None:
    features = censored_snapshot(store, day(200), day(300)).customers.features
    np.testing.assert_allclose(features[:, RECENCY], [70, 20, 160])
    np.testing.assert_allclose(features[:, MEAN_GAP], [30, np.nan, np.nan])


def test_the_horizon_is_a_quarter_of_the_history(store: CustomerHistory) -> None:
    assert horizon_days(store, NextOrderParameters()) == 90
    assert horizon_days(store, NextOrderParameters(longest_days=60)) == 60


def test_the_median_time_between_orders(store: CustomerHistory) -> None:
    assert median_gap_days(store, day(200)) == 30
    with pytest.raises(NotEnoughData, match="more than one day; there is none"):
        median_gap_days(store, day(120))
