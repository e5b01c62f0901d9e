"""What two answers of one bundle must not say at once of a customer or an item. Each rule gives those that break it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from models.churn.explanations import LOWERS
from models.customers.cadence import LAPSE_HORIZONS

Row = Mapping[str, Any]  # of one customer or item, as `--json` gives it
ROUNDING: Final = 2e-4  # probabilities have four decimals


def contradictions(rules: Mapping[str, Callable[[Row], bool]], rows: list[Row]) -> list[str]:
    """For each row that breaks a rule, the rule and the row."""
    return [f"{rule}: {dict(row)}" for rule, holds in rules.items() for row in rows if not holds(row)]


def silence(row: Row) -> timedelta:
    return datetime.fromisoformat(row["as_of"]) - datetime.fromisoformat(row["last_order_at"])


def horizon(row: Row) -> timedelta:
    return timedelta(days=row["churn_horizon_days"])


def is_expected_within_horizon(row: Row) -> bool:
    """Whether half of all such customers have ordered before the horizon of the churn risk ends."""
    expected = row["next_order_expected"]
    last_day = (datetime.fromisoformat(row["as_of"]) + horizon(row)).date().isoformat()
    return expected is not None and expected < last_day


# Rules for customers who have a churn band: they ordered, and allow personalization.
SCORED: Final[dict[str, Callable[[Row], bool]]] = {
    "lapsed is who was silent for the lapse time": lambda row: (
        (row["churn_band"] == "lapsed") == (silence(row) >= LAPSE_HORIZONS * horizon(row))
    ),
    "the band and the stage agree on who has lapsed": lambda row: (
        (row["churn_band"] == "lapsed") == (row["stage"] == "lapsed")
    ),
    "the risk is empty for the lapsed alone": lambda row: (
        (row["churn_risk"] is None) == (row["churn_band"] == "lapsed")
    ),
    "who has lapsed is no champion": lambda row: (
        row["stage"] != "lapsed" or row["rfm_segment"] not in ("champions", "loyal")
    ),
    "who is on the list has a reason": lambda row: row["churn_reason_1"] is not None,
}
# Rules for those of them who have a risk.
AT_RISK: Final[dict[str, Callable[[Row], bool]]] = {
    "the risk lies in its interval": lambda row: row["churn_risk_low"] <= row["churn_risk"] <= row["churn_risk_high"],
    "no order in the horizon and an order in 30 days are not both likely": lambda row: (
        row["churn_horizon_days"] < 30 or row["churn_risk"] + row["next_order_probability_30d"] <= 1 + ROUNDING
    ),
    "an order is expected in the horizon where the risk is below one half": lambda row: (
        abs(row["churn_risk"] - 0.5) < 0.02 or is_expected_within_horizon(row) == (row["churn_risk"] < 0.5)
    ),
    "at least as many orders as the chance of one": lambda row: (
        row["churn_horizon_days"] > 90 or row["expected_orders_90d"] >= 1 - row["churn_risk"] - 0.001
    ),
    "the value at risk is the risk of the value": lambda row: (
        abs(row["value_at_risk"] - row["churn_risk"] * row["expected_value_90d"])
        <= 0.01 + 1e-4 * row["expected_value_90d"]
    ),
    "the first reason of a risk that is not low does not lower it": lambda row: (
        row["churn_band"] == "low" or not row["churn_reason_1"].startswith(LOWERS)
    ),
}
PROSPECTS: Final[dict[str, Callable[[Row], bool]]] = {
    "who never ordered has no risk of leaving": lambda row: row["churn_band"] is None and row["churn_risk"] is None,
    "who never ordered has no next order": lambda row: row["next_order_probability_30d"] is None,
    "who never ordered has spent nothing": lambda row: not row["revenue"],
}
ITEMS: Final[dict[str, Callable[[Row], bool]]] = {
    "out of stock is who has none": lambda row: (
        (row["stock_on_hand"] == 0) == (row["inventory_alert"] == "out_of_stock")
    ),
    "an order reaches the order-up-to level from below": lambda row: (
        not row["order_quantity"] or row["stock_on_hand"] < row["order_up_to"]
    ),
    "an item is not ordered and overstocked at once": lambda row: (
        not (row["order_quantity"] and row["overstock_units"])
    ),
    "the stock that is planned with is the stock of the catalogue": lambda row: row["stock_on_hand"] == row["stock"],
}
