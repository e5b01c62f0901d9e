"""Customers whose next order is known to follow a rule."""

import numpy as np

from models.next_purchase.censored_customers import MEAN_GAP, RECENCY, STATIC_FEATURES, STD_GAP, CensoredCustomers


def observed(recency: np.ndarray, gap: np.ndarray, event_days: np.ndarray, days: float = 100.0) -> CensoredCustomers:
    """Customers of whom only the gaps between orders are known, observed for `days`."""
    features = np.full((len(recency), len(STATIC_FEATURES)), np.nan)
    features[:, RECENCY], features[:, MEAN_GAP] = recency, gap
    features[:, STD_GAP] = np.where(np.isnan(gap), np.nan, 0.0)
    return CensoredCustomers(features, np.where(event_days <= days, event_days, np.inf), days, day_fraction=0.0)


def renewing(count: int, seed: int, days: float = 100.0) -> CensoredCustomers:
    """Each orders one gap of 20 to 60 days after the last order, give or take a tenth; a fifth never order again."""
    random = np.random.default_rng(seed)
    gap = random.uniform(20, 60, count)
    recency = random.uniform(0, 0.8, count) * gap
    due = gap * random.normal(1, 0.1, count) - recency
    return observed(recency, gap, np.where(random.random(count) < 0.2, np.inf, np.maximum(due, 0.1)), days)


def memoryless(count: int, seed: int, days: float = 100.0) -> CensoredCustomers:
    """Everybody orders at random, once in 50 days on average; their features are noise."""
    random = np.random.default_rng(seed)
    return observed(random.uniform(0, 50, count), random.uniform(20, 60, count), random.exponential(50, count), days)
