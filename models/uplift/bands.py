"""Bands of uplift: whom contacting changes, who orders anyway, who does not either way, and whom it puts off."""

from typing import Final

import numpy as np

PERSUADABLE: Final = "persuadable"
SURE_THING: Final = "sure_thing"
LOST_CAUSE: Final = "lost_cause"
LEAVE_ALONE: Final = "leave_alone"


def uplift_bands(low: np.ndarray, high: np.ndarray, orders_anyway: np.ndarray, order_rate: float) -> np.ndarray:
    """One of the four per customer, (customers,).

    persuadable: the whole interval of the uplift lies above 0; leave_alone: below. Of the others, who is at least as
    likely as the average to order without being contacted is a sure thing, and who is not a lost cause.
    """
    unmoved = np.where(orders_anyway >= order_rate, SURE_THING, LOST_CAUSE)
    return np.where(low > 0, PERSUADABLE, np.where(high < 0, LEAVE_ALONE, unmoved))
