"""From a service level to a stock: how much lets no sale be lost in a review period, so often.

What is ordered at a review must last lead time + review period, but it answers only for the review period that begins
when it arrives: a customer who found the shelf empty before that was lost to an earlier order. Stock S therefore loses
sales of its own period with probability P(D(lead + review) > S) - P(D(lead) > S), D being the demand from the review
on. Of even demand the second part is 0, and S is the plain quantile. Of rare large orders it is up to half of the
first, and the plain quantile would hold far more than was asked for. After Hadley & Whitin (1963), "Analysis of
Inventory Systems", section 5-2: what a period adds to the backorders is what counts in it. It breaks where lost sales
are many: then less is sold before the delivery than is wanted, and the stock serves better than it says here.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from models.inventory.demand_distribution import TotalDemand

HALVINGS: Final = 30
LEAST_LEVEL: Final = 0.01


@dataclass(frozen=True)
class CycleDemand:
    """The demand of each item until what is ordered now arrives, `lead`, and until the next order does, `protected`."""

    lead: TotalDemand
    protected: TotalDemand

    def quantile(self, level: np.ndarray | float) -> np.ndarray:
        """The least stock, (items,), with which a review period goes without a lost sale with probability `level`.

        So much, too, that with that probability it is not gone when the order arrives. `level` is one for all items or
        (items,).
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
