"""Suggested actions: one customer per rule, and what is not known is not spoken of."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from contracts import columns as c
from pipelines.publishing.next_best_action import ACTIONS, OFFER, described_actions, next_best_actions

NOW = datetime(2025, 6, 1, tzinfo=UTC)
# Whoever is not described otherwise: an active customer of average worth.
USUAL = {
    "customer_id": "usual",
    "orders": 3,
    "revenue": 100.0,
    "first_order_at": NOW - timedelta(days=100),
    "last_order_at": NOW - timedelta(days=10),
    "as_of": NOW,
    "churn_risk": 0.2,
    "churn_band": "low",
    "stage": "active",
    "value_at_risk": 10.0,
    "uplift_band": None,
    "recommended_items": ["tea"],
    "consent_marketing": True,
}
SCHEMA = pa.schema(
    [
        pa.field("customer_id", pa.string()),
        pa.field("orders", pa.int64()),
        pa.field("revenue", pa.float64()),
        pa.field("first_order_at", c.TIMESTAMP),
        pa.field("last_order_at", c.TIMESTAMP),
        pa.field("as_of", c.TIMESTAMP),
        pa.field("churn_risk", pa.float64()),
        pa.field("churn_band", pa.string()),
        pa.field("stage", pa.string()),
        pa.field("value_at_risk", pa.float64()),
        pa.field("uplift_band", pa.string()),
        pa.field("recommended_items", pa.list_(pa.string())),
        pa.field("consent_marketing", pa.bool_()),
    ]
)
OVERDUE = {"last_order_at": NOW - timedelta(days=60)}  # gaps of 20 days
LEAVING = {"churn_band": "high", "churn_risk": 0.8, "stage": "cooling", **OVERDUE}
GONE = {**OVERDUE, "churn_band": "lapsed", "churn_risk": None, "stage": "lapsed", "value_at_risk": None}


def store(*customers: dict[str, Any]) -> pa.Table:
    """The customers among eight usual ones."""
    return pa.Table.from_pylist([USUAL | one for one in (*customers, *[{}] * 8)], schema=SCHEMA)


def action_for(**customer: Any) -> str | None:
    return next_best_actions(store(customer))[0].as_py()


@pytest.mark.parametrize(
    ("customer", "action"),
    [
        ({}, "no offer: on schedule"),
        ({"consent_marketing": False, **LEAVING}, "nothing: no marketing consent"),
        ({"consent_marketing": None, **LEAVING}, "nothing: no marketing consent"),
        ({"uplift_band": "leave_alone"}, "leave alone: contact drives this customer away"),
        ({"uplift_band": "lost_cause", **LEAVING}, "leave alone: an offer would not change anything"),
        ({"uplift_band": "sure_thing", **LEAVING}, "leave alone: orders without an offer"),
        ({"uplift_band": "sure_thing"}, "leave alone: orders without an offer"),
        ({"uplift_band": "persuadable", "value_at_risk": 1.0, **LEAVING}, OFFER),
        ({"uplift_band": "persuadable"}, "no offer: on schedule"),
        ({"stage": "prospect", "orders": 0, "churn_band": None}, "invite to a first order"),
        ({"value_at_risk": 90.0, **LEAVING}, OFFER),
        ({"value_at_risk": 1.0, **LEAVING}, "send a reminder with the recommended items"),
        ({"value_at_risk": 1.0, "recommended_items": None, **LEAVING}, "send a reminder"),
        ({"revenue": 900.0, **GONE}, OFFER),
        ({"revenue": 5.0, **GONE}, "leave alone: left, and an offer would cost more than it brings"),
        ({"stage": "new", "orders": 1}, "thank and ask for a review"),
        ({"stage": "won_back"}, "thank and ask for a review"),
        (OVERDUE, "no offer: an order is likely"),
        ({"churn_risk": None, "churn_band": None, **OVERDUE}, "no offer: active"),
    ],
)
def test_the_first_rule_that_applies_counts(customer: dict[str, Any], action: str) -> None:
    assert action_for(**customer) == action


def after(*gap_days: int, silent_days: int, **customer: Any) -> str | None:
    """The action for a customer with these gaps between orders, and then none."""
    last = NOW - timedelta(days=silent_days)
    first = last - timedelta(days=sum(gap_days))
    rhythm = {"orders": len(gap_days) + 1, "first_order_at": first, "last_order_at": last}
    return action_for(value_at_risk=90.0, **rhythm, **customer)


def test_nobody_gets_an_offer_within_the_own_rhythm_and_who_is_overdue_does() -> None:
    high = {"churn_band": "high", "churn_risk": 0.6}
    assert after(43, 114, 59, 75, silent_days=46, **high) == "no offer: on schedule"
    assert after(43, 114, 59, 75, silent_days=46, uplift_band="persuadable", **high) == "no offer: on schedule"
    assert after(43, 114, 59, 75, silent_days=80, **high) == OFFER
    assert after(200, 180, silent_days=150, churn_band="lapsed", stage="lapsed") == "no offer: on schedule"


def test_a_risk_above_one_half_is_never_left_alone_once_overdue() -> None:
    told = {"churn_band": "medium", "churn_risk": 0.57}
    assert after(8, 61, silent_days=52, **told) == "send a reminder with the recommended items"
    assert after(8, 61, silent_days=52, recommended_items=None, **told) == "send a reminder"
    assert after(8, 61, silent_days=30, **told) == "no offer: on schedule"


def test_one_order_is_no_rhythm() -> None:
    assert after(silent_days=5, churn_band="high", churn_risk=0.8) == OFFER


def test_without_a_campaign_nobody_is_said_to_order_without_an_offer() -> None:
    from_campaigns = {action.text for action in ACTIONS if "campaign" in action.when}
    chosen = {action_for(stage=stage, churn_risk=risk, churn_band=band)
              for stage in ("new", "active", "cooling", "lapsed") for risk in (0.1, 0.9)
              for band in ("low", "medium", "high", "lapsed")}  # fmt: skip
    assert chosen & from_campaigns <= {OFFER}


def test_a_store_that_told_nobodys_consent_is_not_silenced() -> None:
    table = store({"value_at_risk": 90.0, **LEAVING})
    untold = table.set_column(
        SCHEMA.names.index("consent_marketing"), "consent_marketing", pa.nulls(table.num_rows, pa.bool_())
    )
    for unknown in (untold, table.drop_columns("consent_marketing")):
        assert next_best_actions(unknown)[0].as_py() == OFFER


@pytest.mark.parametrize("column", [name for name in SCHEMA.names if name != "customer_id"])
def test_any_column_may_be_missing(column: str) -> None:
    table = store({"value_at_risk": 90.0, **LEAVING}, GONE, {"stage": "new"})
    assert len(next_best_actions(table.drop_columns(column))) == table.num_rows


def test_without_data_there_is_no_action() -> None:
    assert next_best_actions(pa.table({c.CUSTOMER_ID: ["ada"]})).to_pylist() == [None]


def test_nobody_is_no_error() -> None:
    assert next_best_actions(SCHEMA.empty_table()).to_pylist() == []


def test_every_rule_is_described() -> None:
    assert all(action.text in described_actions() for action in ACTIONS)
