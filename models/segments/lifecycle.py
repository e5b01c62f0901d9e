"""Lifecycle stages of customers, relative to the store's purchase cadence."""

from typing import Final

import numpy as np

PROSPECT: Final = "prospect"  # without an order, or with cancelled and refunded ones only
NEW: Final = "new"
ACTIVE: Final = "active"
COOLING: Final = "cooling"
LAPSED: Final = "lapsed"
WON_BACK: Final = "won_back"


def lifecycle_stages(
    recency_days: np.ndarray, tenure_days: np.ndarray, last_gap_days: np.ndarray, horizon_days: float, lapse_days: float
) -> np.ndarray:
    """The stage of customers who have ordered, (customers,).

    `recency_days` and `tenure_days` count from the last and the first order; `last_gap_days` lies between the last two
    days with an order, NaN where there is one such day. Most customers who return do so within `horizon_days`. After
    `lapse_days` without an order a customer has lapsed; an order after that makes them won back, until the next one.
    """
    assert 0 < horizon_days < lapse_days
    conditions = [
        recency_days >= lapse_days,
        recency_days >= horizon_days,
        np.nan_to_num(last_gap_days, nan=0.0) >= lapse_days,
        tenure_days < horizon_days,
    ]
    return np.asarray(np.select(conditions, [LAPSED, COOLING, WON_BACK, NEW], ACTIVE))
