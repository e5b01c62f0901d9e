"""Where a customer stands in their life with the store, measured against how often this store's customers come."""

from typing import Final

import numpy as np

PROSPECT: Final = "prospect"  # known, but without an order that still stands
NEW: Final = "new"
ACTIVE: Final = "active"
COOLING: Final = "cooling"
LAPSED: Final = "lapsed"
WON_BACK: Final = "won_back"
STAGES: Final = (PROSPECT, NEW, ACTIVE, COOLING, LAPSED, WON_BACK)


def lifecycle_stages(
    recency_days: np.ndarray, tenure_days: np.ndarray, last_gap_days: np.ndarray, horizon_days: float, lapse_days: float
) -> np.ndarray:
    """The stage of customers who have ordered, (customers,).

    `recency_days` and `tenure_days` since the last and the first order; `last_gap_days` between the last two days with
    an order, NaN where there is one. Most customers who return do so within `horizon_days`; who has not for
    `lapse_days` has lapsed. An order that ended so long a silence makes a customer won back, until the next order.
    """
    assert 0 < horizon_days < lapse_days
    conditions = [
        recency_days >= lapse_days,
        recency_days >= horizon_days,
        np.nan_to_num(last_gap_days, nan=0.0) >= lapse_days,
        tenure_days < horizon_days,
    ]
    stages: np.ndarray = np.select(conditions, [LAPSED, COOLING, WON_BACK, NEW], ACTIVE)
    return stages
