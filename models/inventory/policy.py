"""What to order today, when an item will run out, and how much of it is too much, from the forecast of its demand.

Periodic review: orders go out every review period, so what is ordered today must last until the order after it has
arrived, lead time + review period from now. Silver, Pyke & Thomas (2017), "Inventory and Production Management in
Supply Chains", section 6.9. It breaks where demand after the horizon differs from the horizon's, where a lead time is
not kept, or where the stock that is told is not the stock on the shelf.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.inventory.demand_distribution import TotalDemand
from models.inventory.newsvendor import economic_order_quantity, service_levels
from models.inventory.safety_stock import NormalDemand
from models.inventory.service_level import CycleDemand
from models.inventory.terms import ItemTerms

NEVER: Final = -1  # the stock-out day of an item whose stock outlasts the horizon
ROUNDING: Final = 1e-9  # a need of 3.0000000001 packs is one of 3


@dataclass(frozen=True)
class DemandOutlook:
    """What the items will sell from today on.

    `cycle` is the demand that an order is meant for, of the lead time and of lead time + review period, as forecast or
    as the textbook takes it; `until_delivery` that of the days before the next delivery could arrive; `median_totals`
    and `mean_totals` (items, days) are of the first day, the first two, ... all of them.
    """

    cycle: CycleDemand | NormalDemand
    until_delivery: TotalDemand
    median_totals: np.ndarray
    mean_totals: np.ndarray

    @property
    def daily_mean(self) -> np.ndarray:
        """The mean units per day over the horizon, (items,)."""
        mean: np.ndarray = self.mean_totals[:, -1] / self.mean_totals.shape[1]
        return mean


@dataclass(frozen=True)
class InventoryPlan:
    """The answer per item, (items,) each; what depends on the stock is NaN where the stock is not told.

    `stockout_day` counts from 0, today; NEVER beyond the horizon and where the stock is not told.
    """

    service_level: np.ndarray
    reorder_point: np.ndarray
    order_up_to: np.ndarray
    order_quantity: np.ndarray
    stockout_day: np.ndarray
    stockout_probability: np.ndarray
    days_of_cover: np.ndarray  # inf where nothing is expected to sell
    overstock_units: np.ndarray


def plan_inventory(stock: np.ndarray, outlook: DemandOutlook, terms: ItemTerms) -> InventoryPlan:
    """The plan of items with `stock` units on hand, (items,), NaN where it is not told; what is below 0 counts as 0."""
    held = np.maximum(stock, 0)
    level = service_levels(terms)
    reorder_point = outlook.cycle.quantile(level)
    lot = economic_order_quantity(outlook.daily_mean, terms)
    order_up_to = reorder_point + np.maximum(lot - outlook.daily_mean * terms.review_days, 0)
    position = held + terms.on_order
    return InventoryPlan(
        service_level=level,
        reorder_point=reorder_point,
        order_up_to=order_up_to,
        order_quantity=order_quantity(position, reorder_point, order_up_to, terms.pack_size, terms.minimum_order),
        stockout_day=stockout_day(held, terms.on_order, terms.on_order_in_days, outlook.median_totals),
        stockout_probability=outlook.until_delivery.probability_above(held),
        days_of_cover=days_of_cover(held, outlook.mean_totals),
        overstock_units=np.maximum(position - order_up_to - terms.overstock_days * outlook.daily_mean, 0),
    )


def days_until_delivery(terms: ItemTerms) -> np.ndarray:
    """Whole days, at least 1, until goods could arrive: what is on order, or else an order placed today. (items,)"""
    days = np.where(terms.on_order > 0, np.minimum(terms.on_order_in_days, terms.lead_time_days), terms.lead_time_days)
    return np.maximum(np.ceil(days), 1).astype(np.int64)


def days_of_lead(terms: ItemTerms) -> np.ndarray:
    """Whole days, 0 or more, until an order placed today arrives. (items,)"""
    days: np.ndarray = np.ceil(terms.lead_time_days).astype(np.int64)
    return days


def days_protected(terms: ItemTerms) -> np.ndarray:
    """Whole days, at least 1, that what is ordered today must last: lead time + review period. (items,)"""
    days: np.ndarray = np.maximum(np.ceil(terms.lead_time_days + terms.review_days), 1).astype(np.int64)
    return days


def order_quantity(
    position: np.ndarray,
    reorder_point: np.ndarray,
    order_up_to: np.ndarray,
    pack_size: np.ndarray | float,
    minimum_order: np.ndarray | float,
) -> np.ndarray:
    """Units to order, (items,): none at the reorder point or above, else whole packs up to the level or the minimum.

    `position` is what is on hand and on order; NaN gives NaN.
    """
    is_due = position < reorder_point - ROUNDING
    packs = np.ceil(np.maximum(order_up_to - position, minimum_order) / pack_size - ROUNDING)
    return np.where(np.isnan(position), np.nan, np.where(is_due, packs * pack_size, 0.0))


def stockout_day(stock: np.ndarray, on_order: np.ndarray, arrival: np.ndarray, median_totals: np.ndarray) -> np.ndarray:
    """The first day on which more is wanted than there is with a probability above 1/2, from 0; else NEVER. (items,)

    What is on order counts from the day of its arrival on.
    """
    days = np.arange(median_totals.shape[1])
    available = stock[:, None] + np.where(days >= arrival[:, None], on_order[:, None], 0.0)
    runs_out = median_totals > available  # False where the stock is NaN
    return np.where(runs_out.any(axis=1), runs_out.argmax(axis=1), NEVER)


def days_of_cover(stock: np.ndarray, mean_totals: np.ndarray) -> np.ndarray:
    """How many days the stock lasts at the expected demand, (items,); beyond the horizon at the horizon's mean.

    inf where nothing is expected to sell and something is held, 0 where nothing is held.
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
