"""The names of the families, declared here so that help and status need not import the models."""

from typing import Final

# Family -> what it answers. In the order of the registry, which a test compares with this table.
FAMILY_NAMES: Final[dict[str, str]] = {
    "recommend": "which items to show to a shopper",
    "churn": "who is about to leave",
    "value": "what a customer will order and spend",
    "next_order": "when a customer orders next",
    "segments": "RFM segment, lifecycle stage and cluster of a customer",
    "uplift": "whom contacting changes",
    "demand": "how many units of each item will sell",
    "inventory": "what to order, when and how much",
    "trends": "which items rise and fall",
}
