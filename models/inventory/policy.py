"""The inventory policy: what to order today, when an item will run out, and which stock is too much.

Periodic review: orders are placed once in a review period. Today's order must last until the next order has arrived,
that is lead time + review period from now. Silver, Pyke & Thomas (2017), "Inventory and Production Management in
Supply Chains", section 6.9. The policy fails where demand after the horizon differs from the horizon's, where the lead
time is not met, or where the reported stock is wrong.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.inventory.lead_time_demand import ItemDemand
from models.inventory.newsvendor import economic_order_quantity, service_levels
from models.inventory.terms import ItemTerms

NEVER: Final = -1  # the stock-out day of an item that does not run out within the horizon
ROUNDING: Final = 1e-9  # 3.0000000001 packs count as 3


@dataclass(frozen=True)
class InventoryPlan:
    """The plan per item, (items,) each; values that depend on the stock are NaN where the stock is unknown.

    `stockout_day` counts from 0, today; it is NEVER beyond the horizon and where the stock is unknown.
    """

    service_level: np.ndarray
    reorder_point: np.ndarray
    order_up_to: np.ndarray
    order_quantity: np.ndarray
    stockout_day: np.ndarray
    stockout_probability: np.ndarray
    days_of_cover: np.ndarray  # inf where no demand is expected
    overstock_units: np.ndarray


def plan_inventory(stock: np.ndarray, demand: ItemDemand, terms: ItemTerms) -> InventoryPlan:
    """The plan of items with `stock` units on hand, (items,), NaN where unknown; negative stock counts as 0."""
    held = np.maximum(stock, 0)
    level = service_levels(terms)
    reorder_point = demand.cycle.quantile(level)
    lot = economic_order_quantity(demand.daily_mean, terms)
    order_up_to = reorder_point + np.maximum(lot - demand.daily_mean * terms.review_days, 0)
    position = held + terms.on_order
    # Who looks at the list every day would else order single units, each time one was sold.
    least_order = np.maximum(terms.minimum_order, demand.daily_mean * terms.review_days)
    return InventoryPlan(
        service_level=level,
        reorder_point=reorder_point,
        order_up_to=order_up_to,
        order_quantity=order_quantity(position, reorder_point, order_up_to, terms.pack_size, least_order),
        stockout_day=stockout_day(held, terms.on_order, terms.on_order_in_days, demand.median_totals),
        stockout_probability=demand.until_delivery.probability_above(held),
        days_of_cover=days_of_cover(held, demand.mean_totals),
        overstock_units=np.maximum(position - order_up_to - terms.overstock_days * demand.daily_mean, 0),
    )


def order_quantity(
    position: np.ndarray,
    reorder_point: np.ndarray,
    order_up_to: np.ndarray,
    pack_size: np.ndarray | float,
    minimum_order: np.ndarray | float,
) -> np.ndarray:
    """Units to order, (items,): 0 at or above the reorder point, else whole packs up to the level or the minimum.

    `position` is the stock on hand and on order; NaN gives NaN.
    """
    is_due = position < reorder_point - ROUNDING
    packs = np.ceil(np.maximum(order_up_to - position, minimum_order) / pack_size - ROUNDING)
    return np.where(np.isnan(position), np.nan, np.where(is_due, packs * pack_size, 0.0))


def stockout_day(stock: np.ndarray, on_order: np.ndarray, arrival: np.ndarray, median_totals: np.ndarray) -> np.ndarray:
    """The first day, from 0, on which demand exceeds the stock with a probability above 1/2; else NEVER. (items,)

    An item without stock is empty today. Units on order count from the day of their arrival.
    """
    days = np.arange(median_totals.shape[1])
    available = stock[:, None] + np.where(days >= arrival[:, None], on_order[:, None], 0.0)
    runs_out = median_totals > available  # False where the stock is NaN
    day = np.where(runs_out.any(axis=1), runs_out.argmax(axis=1), NEVER)
    return np.where((stock <= 0) & (median_totals[:, -1] > 0), 0, day)


def days_of_cover(stock: np.ndarray, mean_totals: np.ndarray) -> np.ndarray:
    """How many days the stock lasts at the expected demand, (items,); beyond the horizon at the horizon's mean.

    inf where there is stock and no demand is expected, 0 where there is no stock.
    """
    items, days = mean_totals.shape
    totals = np.hstack([np.zeros((items, 1)), mean_totals])
    whole = (totals[:, 1:] <= stock[:, None]).sum(axis=1)
    row, inner = np.arange(items), np.minimum(whole, days - 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        within = inner + (stock - totals[row, inner]) / (totals[row, inner + 1] - totals[row, inner])
        after = days + (stock - totals[:, -1]) / (totals[:, -1] / days)
    cover = np.where(whole == days, after, within)
    return np.where(np.isnan(stock), np.nan, np.where(stock > 0, cover, 0.0))
