"""Suggested actions: one customer per rule, and what is not known is not spoken of."""

from typing import Any

import pyarrow as pa
import pytest

from contracts import columns as c
from pipelines.publishing.next_best_action import ACTIONS, OFFER, described_actions, next_best_actions

# Whoever is not described otherwise: an active customer of average worth.
USUAL = {
    "customer_id": "usual",
    "orders": 3,
    "revenue": 100.0,
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
        pa.field("churn_band", pa.string()),
        pa.field("stage", pa.string()),
        pa.field("value_at_risk", pa.float64()),
        pa.field("uplift_band", pa.string()),
        pa.field("recommended_items", pa.list_(pa.string())),
        pa.field("consent_marketing", pa.bool_()),
    ]
)
LEAVING = {"churn_band": "high", "stage": "cooling"}
GONE = {"churn_band": "lapsed", "stage": "lapsed", "value_at_risk": None}


def store(*customers: dict[str, Any]) -> pa.Table:
    """The customers among eight usual ones."""
    return pa.Table.from_pylist([USUAL | one for one in (*customers, *[{}] * 8)], schema=SCHEMA)


def action_for(**customer: Any) -> str | None:
    return next_best_actions(store(customer))[0].as_py()


@pytest.mark.parametrize(
    ("customer", "action"),
    [
        ({}, "leave alone: orders without help"),
        ({"consent_marketing": False, **LEAVING}, "nothing: no marketing consent"),
        ({"consent_marketing": None, **LEAVING}, "nothing: no marketing consent"),
        ({"uplift_band": "leave_alone"}, "leave alone: contact drives this customer away"),
        ({"uplift_band": "lost_cause", **LEAVING}, "leave alone: an offer would not change anything"),
        ({"uplift_band": "sure_thing", **LEAVING}, "leave alone: comes back without an offer"),
        ({"uplift_band": "persuadable", "value_at_risk": 1.0, **LEAVING}, OFFER),
        ({"uplift_band": "persuadable"}, "leave alone: orders without help"),
        ({"stage": "prospect", "orders": 0, "churn_band": None}, "invite to a first order"),
        ({"value_at_risk": 90.0, **LEAVING}, OFFER),
        ({"value_at_risk": 1.0, **LEAVING}, "send a reminder with the recommended items"),
        ({"value_at_risk": 1.0, "recommended_items": None, **LEAVING}, "send a reminder"),
        ({"revenue": 900.0, **GONE}, OFFER),
        ({"revenue": 5.0, **GONE}, "leave alone: left, and an offer would cost more than it brings"),
        ({"stage": "new", "orders": 1}, "thank and ask for a review"),
        ({"stage": "won_back"}, "thank and ask for a review"),
    ],
)
def test_the_first_rule_that_applies_counts(customer: dict[str, Any], action: str) -> None:
    assert action_for(**customer) == action


def test_a_store_that_told_nobodys_consent_is_not_silenced() -> None:
    table = store({"value_at_risk": 90.0, **LEAVING})
    untold = table.set_column(8, "consent_marketing", pa.nulls(table.num_rows, pa.bool_()))
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
