"""Metrics of expected spend."""

from typing import Final

import numpy as np

MIN_SPEND: Final = 0.01
HALF_CENT: Final = 0.005


def spend_deviance(spend: np.ndarray, expected: np.ndarray) -> float:
    """Mean Tweedie deviance of power 1.5: least for the true expectation, and suited to many customers who spend 0."""
    mean = np.maximum(expected, MIN_SPEND)
    return float((4 * np.sqrt(mean) + 4 * spend / np.sqrt(mean) - 8 * np.sqrt(spend)).mean())


def interval_coverage(spend: np.ndarray, low: np.ndarray, high: np.ndarray) -> float:
    """The share of customers whose spend is in the interval; above the nominal share where most spend nothing."""
    return float(((spend >= low - HALF_CENT) & (spend <= high + HALF_CENT)).mean())
