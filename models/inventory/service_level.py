"""Cycle service level: the stock with which a given share of review periods passes without a lost sale.

An order must last lead time + review period, but it is responsible only for the review period that begins when it
arrives; sales lost before that belong to an earlier order. With D the demand from the review on, stock S loses sales in
its own period with probability P(D(lead + review) > S) - P(D(lead) > S). For smooth demand the second term is 0, and S
is the plain quantile. For rare large orders it is up to half of the first, and the plain quantile would hold far more
than needed. After Hadley & Whitin (1963), "Analysis of Inventory Systems", section 5-2. With many lost sales the stock
serves better than computed, since less is sold before the delivery than is demanded.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.inventory.demand_distribution import TotalDemand

HALVINGS: Final = 30
LEAST_LEVEL: Final = 0.01


@dataclass(frozen=True)
class CycleDemand:
    """The demand of each item during the lead time, `lead`, and during lead time + review period, `protected`."""

    lead: TotalDemand
    protected: TotalDemand

    def quantile(self, level: np.ndarray | float) -> np.ndarray:
        """The least stock, (items,), with which a review period has no lost sale with probability `level`.

        With that probability some stock is also left when the order arrives. `level` is one number or (items,).
        """
        allowed = 1 - np.asarray(level, dtype=np.float64)
        high = self.protected.quantile(level)
        least = np.maximum(self.protected.quantile(np.maximum(1 - 2 * allowed, LEAST_LEVEL)), self.lead.quantile(level))
        low = np.minimum(least, high)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            is_enough = self.protected.probability_above(middle) - self.lead.probability_above(middle) <= allowed
            low, high = np.where(is_enough, low, middle), np.where(is_enough, middle, high)
        return high
