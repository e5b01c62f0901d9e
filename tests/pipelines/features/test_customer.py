"""Each number about a customer, against a life that can be counted by hand."""

from typing import Any

import ibis
import pytest

from contracts import columns as c
from contracts.events.names import ORDER_REFUNDED
from pipelines.features.customer import customer_base, customer_features
from tests.worlds import day, events_table, order, view

AS_OF = day(400)
ADA = [
    *order("ada", 0, {"tea": 1}, price=10.0, channel="email", country="NO"),
    *order("ada", 300, {"tea": 2, "cup": 1}, price=10.0, order_id="returned"),
    *order("ada", 350, {"pot": 1}, price=60.0, channel="search"),
    *order("ada", 350.25, {"cup": 1}, price=10.0),
    *order("ada", 380, {"tea": 1}, price=20.0),
    {
        c.EVENT: ORDER_REFUNDED,
        c.OCCURRED_AT: day(310),
        c.CUSTOMER_ID: "back-office",
        c.IS_KNOWN: False,
        c.ORDER_ID: "returned",
        c.ITEM_ID: "tea",
        c.QUANTITY: 1.0,
    },
    view("ada", 320, "pot"),
    view("ada", 379, "tea"),
    view("ada", 379.1, "tea", event="Product Clicked"),
    view("ada", 379.2, "tea", event="Product Added"),
    view("ada", 395, "cup"),
]
GOLDEN = {
    "recency_days": 20.0,
    "tenure_days": 400.0,
    "orders": 5,
    "orders_30d": 1,
    "orders_90d": 3,
    "orders_180d": 4,
    "orders_365d": 4,
    "order_days": 4,
    "mean_gap_days": 380 / 3,
    "std_gap_days": ((300**2 + 50**2 + 30**2) / 3 - (380 / 3) ** 2) ** 0.5,
    "min_gap_days": 30,
    "max_gap_days": 300,
    "last_gap_days": 30,
    "gap_ratio": 20 / (380 / 3),
    "longest_gap_ratio": 20 / 300,
    "silent_share": 20 / 400,
    "revenue": 120.0,
    "revenue_365d": 110.0,
    "average_order_value": 24.0,
    "max_order_value": 60.0,
    "first_order_value": 10.0,
    "last_order_value": 20.0,
    "units": 6.0,
    "units_per_order": 6 / 5,
    "unit_price": 20.0,
    "items": 3,
    "items_per_order": 6 / 5,
    "refund_share": 10 / 130,
    "visit_recency_days": 5.0,
    "visit_days_30d": 2,
    "visit_days_90d": 3,
    "views_30d": 3,
    "views_90d": 4,
    "carts_30d": 1,
    "carts_90d": 1,
    "visit_trend_days": 1.0,
}


def features_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    table = customer_features(ibis.memtable(events_table(rows)), AS_OF).to_pyarrow()
    return {row[c.CUSTOMER_ID]: row for row in table.to_pylist()}


@pytest.fixture(scope="module")
def features() -> dict[str, dict[str, Any]]:
    once = order("bob", 390, {"tea": 1}, price=10.0)
    hidden = order("private", 390, {"tea": 1}, allows_personalization=False)
    anonymous = order("device", 390, {"tea": 1}, is_known=False)
    future = order("next-year", 401, {"tea": 1})
    return features_of([*ADA, *once, *hidden, *anonymous, *future, view("window-shopper", 390, "tea")])


@pytest.mark.parametrize("name", GOLDEN)
def test_golden(features: dict[str, dict[str, Any]], name: str) -> None:
    assert features["ada"][name] == pytest.approx(GOLDEN[name])


def test_every_feature_is_golden_tested(features: dict[str, dict[str, Any]]) -> None:
    assert set(features["ada"]) == {c.CUSTOMER_ID, *GOLDEN}


def test_only_known_and_consenting_customers_with_an_order_have_features(features: dict[str, dict[str, Any]]) -> None:
    assert set(features) == {"ada", "bob"}


def test_what_does_not_exist_is_null(features: dict[str, dict[str, Any]]) -> None:
    missing = {name for name, value in features["bob"].items() if value is None}
    gaps = {"mean_gap_days", "std_gap_days", "min_gap_days", "max_gap_days", "last_gap_days", "gap_ratio"}
    gaps |= {"longest_gap_ratio"}
    assert missing == {*gaps, "visit_recency_days"}
    assert features["bob"]["views_90d"] == 0


def test_base_has_the_facts_of_every_known_customer() -> None:
    lost = {c.EVENT: ORDER_REFUNDED, c.OCCURRED_AT: day(5), c.CUSTOMER_ID: "cy", c.ORDER_ID: "lost", c.REVENUE: 5.0}
    private = order("cy", 390, {"tea": 1}, allows_personalization=False)
    rows = [*ADA, *private, lost, view("device", 3, "tea", is_known=False), view("guest", 3, "tea", country="NZ")]
    table = customer_base(ibis.memtable(events_table(rows)), AS_OF).order_by(c.CUSTOMER_ID).to_pyarrow()
    assert table.column_names == [
        "customer_id", "first_order_at", "last_order_at", "orders", "revenue", "country", "channel", "device"
    ]  # fmt: skip
    assert [tuple(row.values()) for row in table.to_pylist()] == [
        ("ada", day(0), day(380), 5, 120.0, "NO", "search", None),
        ("cy", day(390), day(390), 1, 5.0, None, None, None),
        ("guest", None, None, 0, 0.0, "NZ", None, None),
    ]
