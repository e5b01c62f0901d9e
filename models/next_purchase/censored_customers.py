"""Customers of one instant, right-censored: what was known of each, and when the next order came within a follow-up."""

from dataclasses import dataclass
from typing import Final

import numpy as np

# Columns of the customer features, in the order of the matrix.
STATIC_FEATURES: Final = (
    "recency_days",
    "mean_gap_days",
    "std_gap_days",
    "max_gap_days",
    "last_gap_days",
    "tenure_days",
    "orders",
    "order_days",
    "orders_30d",
    "orders_90d",
    "orders_180d",
    "orders_365d",
    "revenue",
    "revenue_365d",
    "average_order_value",
    "items",
    "items_per_order",
    "visit_recency_days",
    "visit_days_30d",
    "visit_days_90d",
    "views_90d",
    "carts_30d",
    "carts_90d",
    "refund_share",
)
RECENCY: Final = STATIC_FEATURES.index("recency_days")
MEAN_GAP: Final = STATIC_FEATURES.index("mean_gap_days")
STD_GAP: Final = STATIC_FEATURES.index("std_gap_days")


@dataclass(frozen=True)
class CensoredCustomers:
    """Customers as of one instant, observed for `follow_up_days` after it."""

    features: np.ndarray  # (customers, len(STATIC_FEATURES)); NaN where missing
    event_days: np.ndarray  # (customers,) days to the next order, with fractions; inf: none within the follow-up
    follow_up_days: float
    day_fraction: float  # how much of the UTC day had passed at the instant, 0 to 1

    def __post_init__(self) -> None:
        assert self.features.shape == (len(self.event_days), len(STATIC_FEATURES))

    def subset(self, rows: np.ndarray) -> "CensoredCustomers":
        """The customers at `rows`."""
        return CensoredCustomers(self.features[rows], self.event_days[rows], self.follow_up_days, self.day_fraction)


def gap_days(features: np.ndarray, median_gap_days: float) -> np.ndarray:
    """The customer's mean time between orders, (customers,); the store's median for one-time buyers."""
    gaps = features[:, MEAN_GAP]
    return np.where(np.isnan(gaps), median_gap_days, gaps)


def is_one_time(features: np.ndarray) -> np.ndarray:
    """Whether the customer has ordered on one day only, (customers,)."""
    return np.asarray(np.isnan(features[:, MEAN_GAP]))


def dates_after(days: np.ndarray, day_fraction: float) -> np.ndarray:
    """How many UTC dates lie between an instant, `day_fraction` into its day, and the instant `days` later."""
    return np.floor(days + day_fraction)
