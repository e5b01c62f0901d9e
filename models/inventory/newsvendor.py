"""The newsvendor's critical ratio and the economic order quantity.

Arrow, Harris & Marschak (1951), "Optimal inventory policy"; Harris (1913), "How many parts to make at once".
"""

import numpy as np

from contracts.validation.bounds import MAX_SERVICE_LEVEL
from models.inventory.terms import DAYS_PER_YEAR, ItemTerms


def critical_ratio(shortage_cost: np.ndarray, overage_cost: np.ndarray) -> np.ndarray:
    """The probability with which the stock should suffice: shortage / (shortage + overage), costs per unit."""
    return shortage_cost / (shortage_cost + overage_cost)


def service_levels(terms: ItemTerms) -> np.ndarray:
    """Each item's service level, (items,): the critical ratio of its costs if known, else its configured level.

    A unit too many is held for one more review period; a unit too few is a lost sale. At most MAX_SERVICE_LEVEL, since
    the forecast's tail beyond it is an extrapolation.
    """
    ratio = critical_ratio(terms.shortage_cost, terms.daily_holding_cost * terms.review_days)
    return np.where(np.isnan(ratio), terms.service_level, np.minimum(ratio, MAX_SERVICE_LEVEL))


def shortage_cost_of(service_level: np.ndarray | float, overage_cost: np.ndarray | float) -> np.ndarray | float:
    """The cost of a lost unit at which `service_level` is the critical ratio."""
    return overage_cost * service_level / (1 - service_level)


def economic_order_quantity(daily_units: np.ndarray, terms: ItemTerms) -> np.ndarray:
    """The order quantity with the least ordering and holding cost, (items,).

    0 where an order costs nothing or the unit cost is unknown; then need, pack size and minimum order decide.
    """
    yearly = daily_units * DAYS_PER_YEAR
    lot = np.sqrt(2 * yearly * terms.order_cost / (terms.daily_holding_cost * DAYS_PER_YEAR))
    return np.where(terms.order_cost > 0, np.nan_to_num(lot), 0.0)
