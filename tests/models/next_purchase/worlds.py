"""Customers whose next order is known to follow a rule."""

import numpy as np

from models.next_purchase.censored_customers import MEAN_GAP, NUMBERS, RECENCY, STD_GAP, Followed


def followed(recency: np.ndarray, gap: np.ndarray, next_days: np.ndarray, days: float = 100.0) -> Followed:
    """Customers of whom only the rhythm is known, watched for `days`."""
    numbers = np.full((len(recency), len(NUMBERS)), np.nan)
    numbers[:, RECENCY], numbers[:, MEAN_GAP] = recency, gap
    numbers[:, STD_GAP] = np.where(np.isnan(gap), np.nan, 0.0)
    return Followed(numbers, np.where(next_days <= days, next_days, np.inf), days, day_fraction=0.0)


def rhythmic(count: int, seed: int, days: float = 100.0) -> Followed:
    """Each orders one own gap of 20 to 60 days after the last order, give or take a tenth of it; some have left."""
    random = np.random.default_rng(seed)
    gap = random.uniform(20, 60, count)
    recency = random.uniform(0, 0.8, count) * gap
    due = gap * random.normal(1, 0.1, count) - recency
    return followed(recency, gap, np.where(random.random(count) < 0.2, np.inf, np.maximum(due, 0.1)), days)


def memoryless(count: int, seed: int, days: float = 100.0) -> Followed:
    """Everybody orders at random, once in 50 days on average; what is known of them says nothing."""
    random = np.random.default_rng(seed)
    return followed(random.uniform(0, 50, count), random.uniform(20, 60, count), random.exponential(50, count), days)
