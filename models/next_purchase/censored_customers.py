"""Customers of one instant who were watched for a while: what was known of each, and when the next order came."""

from dataclasses import dataclass
from typing import Final

import numpy as np

# Columns of the customer features, in the order of the matrix.
NUMBERS: Final = (
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
RECENCY: Final = NUMBERS.index("recency_days")
MEAN_GAP: Final = NUMBERS.index("mean_gap_days")
STD_GAP: Final = NUMBERS.index("std_gap_days")


@dataclass(frozen=True)
class Followed:
    """Customers from one instant on, for `followed_days`."""

    numbers: np.ndarray  # (customers, len(NUMBERS)); NaN where missing
    next_days: np.ndarray  # (customers,) until the next order, with fractions; inf where none came
    followed_days: float
    day_fraction: float  # how much of the UTC day had passed at the instant, 0 to 1

    def __post_init__(self) -> None:
        assert self.numbers.shape == (len(self.next_days), len(NUMBERS))

    def taken(self, rows: np.ndarray) -> "Followed":
        """Some of the customers."""
        return Followed(self.numbers[rows], self.next_days[rows], self.followed_days, self.day_fraction)


def own_gaps(numbers: np.ndarray, usual_gap_days: float) -> np.ndarray:
    """The mean gap between a customer's orders, (customers,); of who ordered once, the store's usual one."""
    gaps = numbers[:, MEAN_GAP]
    return np.where(np.isnan(gaps), usual_gap_days, gaps)


def is_one_time(numbers: np.ndarray) -> np.ndarray:
    """Who has ordered on one day only, (customers,)."""
    found: np.ndarray = np.isnan(numbers[:, MEAN_GAP])
    return found


def dates_after(days: np.ndarray, day_fraction: float) -> np.ndarray:
    """How many UTC dates after the instant's own lies the instant so many days ahead."""
    return np.floor(days + day_fraction)
