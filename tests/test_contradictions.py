"""Negative controls: each rule finds the contradiction that is planted for it, and that one alone."""

from typing import Any

import pytest

from models.churn.explanations import LOWERS
from tests.contradictions import AT_RISK, ITEMS, PROSPECTS, SCORED, contradictions

ACTIVE: dict[str, Any] = {
    "as_of": "2026-06-01T00:00:00Z",
    "last_order_at": "2026-05-01T00:00:00Z",
    "churn_horizon_days": 60,
    "churn_band": "medium",
    "stage": "active",
    "rfm_segment": "loyal",
    "churn_reason_1": "only 2 orders in all",
    "churn_risk": 0.4,
    "churn_risk_low": 0.3,
    "churn_risk_high": 0.5,
    "next_order_probability_30d": 0.3,
    "next_order_expected": "2026-07-10",
    "expected_orders_90d": 0.9,
    "expected_value_90d": 50.0,
    "value_at_risk": 20.0,
}
LAPSED = ACTIVE | {
    "last_order_at": "2026-01-01T00:00:00Z",
    "churn_band": "lapsed",
    "stage": "lapsed",
    "rfm_segment": "lost",
    "churn_risk": None,
}
PROSPECT = {"churn_band": None, "churn_risk": None, "next_order_probability_30d": None, "revenue": 0.0}
ITEM = {
    "stock": 3.0,
    "stock_on_hand": 3.0,
    "inventory_alert": None,
    "order_quantity": 4.0,
    "order_up_to": 7.0,
    "overstock_units": 0.0,
}
EMPTY = ITEM | {"stock": 0.0, "stock_on_hand": 0.0, "inventory_alert": "out_of_stock", "order_quantity": 7.0}
KINDS = {"scored": SCORED, "at risk": AT_RISK, "prospects": PROSPECTS, "items": ITEMS}


@pytest.mark.parametrize(
    ("kind", "row"),
    [
        ("scored", ACTIVE),
        ("scored", LAPSED),
        ("at risk", ACTIVE),
        ("prospects", PROSPECT),
        ("items", ITEM),
        ("items", EMPTY),
    ],
)
def test_rows_that_agree_pass(kind: str, row: dict[str, Any]) -> None:
    assert contradictions(KINDS[kind], [row]) == []


PLANTED: list[tuple[str, str, dict[str, Any]]] = [
    ("scored", "lapsed is who was silent for the lapse time", LAPSED | {"last_order_at": "2026-05-01T00:00:00Z"}),
    ("scored", "the band and the stage agree on who has lapsed", LAPSED | {"stage": "cooling"}),
    ("scored", "the risk is empty for the lapsed alone", LAPSED | {"churn_risk": 0.9}),
    ("scored", "who has lapsed is no champion", LAPSED | {"rfm_segment": "champions"}),
    ("scored", "who is on the list has a reason", ACTIVE | {"churn_reason_1": None}),
    ("at risk", "the risk lies in its interval", ACTIVE | {"churn_risk_high": 0.39}),
    (
        "at risk",
        "no order in the horizon and an order in 30 days are not both likely",
        ACTIVE | {"next_order_probability_30d": 0.61},
    ),
    (
        "at risk",
        "an order is expected in the horizon where the risk is below one half",
        ACTIVE | {"next_order_expected": "2026-08-10"},
    ),
    ("at risk", "at least as many orders as the chance of one", ACTIVE | {"expected_orders_90d": 0.5}),
    ("at risk", "the value at risk is the risk of the value", ACTIVE | {"value_at_risk": 30.0}),
    (
        "at risk",
        "the first reason of a risk that is not low does not lower it",
        ACTIVE | {"churn_reason_1": f"{LOWERS}sent nothing back"},
    ),
    ("prospects", "who never ordered has no risk of leaving", PROSPECT | {"churn_risk": 0.1}),
    ("prospects", "who never ordered has no next order", PROSPECT | {"next_order_probability_30d": 0.1}),
    ("prospects", "who never ordered has spent nothing", PROSPECT | {"revenue": 3.0}),
    ("items", "out of stock is who has none", ITEM | {"inventory_alert": "out_of_stock"}),
    ("items", "an order reaches the order-up-to level from below", ITEM | {"order_up_to": 2.0}),
    ("items", "an item is not ordered and overstocked at once", ITEM | {"overstock_units": 9.0}),
    ("items", "the stock that is planned with is the stock of the catalogue", ITEM | {"stock": 5.0}),
]


@pytest.mark.parametrize(("kind", "rule", "row"), PLANTED)
def test_a_planted_contradiction_is_found(kind: str, rule: str, row: dict[str, Any]) -> None:
    (found,) = contradictions(KINDS[kind], [row])
    assert found.startswith(f"{rule}: ")


def test_every_rule_has_its_control() -> None:
    assert sorted((kind, rule) for kind, rule, _ in PLANTED) == sorted(
        (k, rule) for k, rules in KINDS.items() for rule in rules
    )
