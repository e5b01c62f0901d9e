"""Inventory alerts: the most urgent one that applies to each item."""

from typing import Final

import numpy as np

from models.inventory.policy import InventoryPlan

OUT_OF_STOCK: Final = "out_of_stock"
RUNS_OUT_BEFORE_DELIVERY: Final = "runs_out_before_delivery"
LOW_STOCK: Final = "low_stock"
OVERSTOCK: Final = "overstock"

# Most urgent first; each with its description.
ALERTS: Final[dict[str, str]] = {
    OUT_OF_STOCK: "nothing is left, and customers are expected to ask for it",
    RUNS_OUT_BEFORE_DELIVERY: "it will more likely than not run out before the next delivery can arrive",
    LOW_STOCK: "order today: the chance that it runs out before the next delivery is higher than you allow",
    OVERSTOCK: "there is more of it than will sell in a long time",
}


def inventory_alerts(stock: np.ndarray, plan: InventoryPlan) -> np.ndarray:
    """One of ALERTS per item, (items,) text; empty where none applies or the stock is unknown."""
    with np.errstate(invalid="ignore"):
        applies = [
            (stock <= 0) & (plan.reorder_point > 0),
            plan.stockout_probability > 0.5,
            (plan.stockout_probability > 1 - plan.service_level) & (plan.order_quantity > 0),
            plan.overstock_units > 0,
        ]
    return np.select(applies, list(ALERTS), "")
