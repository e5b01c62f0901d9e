"""Bands of churn risk, relative to the average customer of the store."""

from typing import Final

import numpy as np

LOW: Final = "low"
MEDIUM: Final = "medium"
HIGH: Final = "high"
LAPSED: Final = "lapsed"  # without an order for so long that they are not scored
ODDS_RATIO: Final = 2.0
TINY: Final = 1e-12


def churn_bands(risk: np.ndarray, base_rate: float, recency_days: np.ndarray, median_gap_days: float) -> np.ndarray:
    """low, medium or high per customer, (customers,).

    High: the odds of churn are at least twice the average customer's. Low: at most half of them. A customer who ordered
    within the store's median gap between orders is never high.
    """
    odds, average = risk / (1 - risk + TINY), base_rate / (1 - base_rate)
    is_high = (odds >= average * ODDS_RATIO) & (recency_days > median_gap_days)
    is_low = odds <= average / ODDS_RATIO
    return np.where(is_high, HIGH, np.where(is_low, LOW, MEDIUM))
