"""Supply terms of items: lead time, review period, service level, costs, pack sizes."""

from dataclasses import dataclass, fields
from typing import Final

import numpy as np

from contracts.errors import InputError
from contracts.validation.bounds import INVENTORY_TERMS

DAYS_PER_YEAR: Final = 365.0


@dataclass(frozen=True)
class InventoryParameters:
    """The store's terms; an item's own terms in the catalogue take precedence."""

    lead_time_days: float = 7.0  # from placing an order to goods that can be sold
    review_days: float = 7.0  # from one day on which orders are placed to the next
    service_level: float = 0.95  # share of review periods without a lost sale; used where costs are unknown
    holding_cost_per_year: float = 0.25  # of the unit cost: money tied up, space, ageing
    unit_cost_share: float = 0.6  # of the price, where the unit cost is unknown
    order_cost: float = 0.0  # of placing one order of one item; above 0, orders become larger and fewer
    pack_size: float = 1.0  # units per pack
    minimum_order: float = 0.0  # the supplier's minimum, in units
    overstock_days: float = 60.0  # stock above the order-up-to level plus so many days' sales is overstock

    def __post_init__(self) -> None:
        for field in fields(self):
            value, (least, greatest) = getattr(self, field.name), INVENTORY_TERMS[field.name]
            if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= greatest:
                raise InputError(f"{field.name} is {value!r}; give a number between {least:g} and {greatest:g}.")


@dataclass(frozen=True)
class ItemTerms:
    """The terms of every item, (items,) each, float64; NaN where a cost is unknown."""

    lead_time_days: np.ndarray  # from placing an order to goods that can be sold
    review_days: np.ndarray  # from one day on which orders are placed to the next
    service_level: np.ndarray  # share of review periods without a lost sale; used where costs are unknown
    holding_cost_per_year: np.ndarray  # of the unit cost: money tied up, space, ageing
    unit_cost: np.ndarray  # what one unit costs you, in the store's currency
    shortage_cost: np.ndarray  # what one unit costs that could not be sold; with it, costs set the service level
    order_cost: np.ndarray  # of placing one order of this item; above 0, orders become larger and fewer
    pack_size: np.ndarray  # units per pack
    minimum_order: np.ndarray  # the supplier's minimum, in units
    on_order: np.ndarray  # units ordered and not yet delivered
    on_order_in_days: np.ndarray  # days until those arrive
    overstock_days: np.ndarray  # stock above the order-up-to level plus so many days' sales is overstock

    def __post_init__(self) -> None:
        assert len({getattr(self, field.name).shape for field in fields(self)}) == 1

    @property
    def daily_holding_cost(self) -> np.ndarray:
        """Holding cost per unit and day; NaN where the unit cost is unknown."""
        return self.unit_cost * self.holding_cost_per_year / DAYS_PER_YEAR

    @property
    def days_until_delivery(self) -> np.ndarray:
        """Whole days, at least 1, until the next delivery: of what is on order, or else of an order placed today."""
        next_arrival = np.minimum(self.on_order_in_days, self.lead_time_days)
        days = np.where(self.on_order > 0, next_arrival, self.lead_time_days)
        return np.maximum(np.ceil(days), 1).astype(np.int64)

    @property
    def lead_days(self) -> np.ndarray:
        """Whole days, 0 or more, until an order placed today arrives."""
        return np.asarray(np.ceil(self.lead_time_days).astype(np.int64))

    @property
    def protected_days(self) -> np.ndarray:
        """Whole days, at least 1, that an order placed today must last: lead time + review period."""
        return np.asarray(np.maximum(np.ceil(self.lead_time_days + self.review_days), 1).astype(np.int64))
