"""Bands of uplift: customers that contacting persuades, that order anyway, that never order, and that it deters."""

from typing import Final

import numpy as np

PERSUADABLE: Final = "persuadable"
SURE_THING: Final = "sure_thing"
LOST_CAUSE: Final = "lost_cause"
LEAVE_ALONE: Final = "leave_alone"


def uplift_bands(low: np.ndarray, high: np.ndarray, baseline_rate: np.ndarray, control_rate: float) -> np.ndarray:
    """One of the four per customer, (customers,).

    persuadable: the whole interval of the uplift, `low` to `high`, lies above 0; leave_alone: below. The others are
    sure things where their `baseline_rate`, P(order) if not contacted, is at least the mean of the control arm; else
    lost causes.
    """
    undecided = np.where(baseline_rate >= control_rate, SURE_THING, LOST_CAUSE)
    return np.where(low > 0, PERSUADABLE, np.where(high < 0, LEAVE_ALONE, undecided))
