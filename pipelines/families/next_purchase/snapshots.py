"""The past of the next_order family: who the customers of an instant were, and when their next order came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.customers.features import FEATURES
from models.next_purchase.censored_customers import NUMBERS, Followed
from models.next_purchase.hazard_model import SOON_DAYS, NextOrderParameters
from pipelines.families.snapshots import DAY, CustomerHistory
from pipelines.features.orders import DAY_SECONDS, ORDERED_AT

# Training, calibration and test need a horizon each, and the features some past.
HISTORY_HORIZONS: Final = 4
MICROSECONDS: Final = 1_000_000  # a second's


@dataclass(frozen=True)
class FollowedCustomers:
    """Everybody with an order before an instant, sorted by id, and what followed."""

    ids: pa.Array  # (customers,)
    followed: Followed


def horizon_days(history: CustomerHistory, parameters: NextOrderParameters) -> int:
    """How far ahead the history lets us see; raises NotEnoughData."""
    first = history.first_order_at()
    history_days = 0 if first is None else int((history.as_of - first) / DAY)
    if history_days < HISTORY_HORIZONS * SOON_DAYS:
        raise NotEnoughData(
            f"next_order needs {HISTORY_HORIZONS * SOON_DAYS} days of orders; there are {history_days}. "
            "Ingest older orders, or wait."
        )
    return min(history_days // HISTORY_HORIZONS, parameters.longest_days)


def usual_gap_days(history: CustomerHistory, cut: datetime) -> float:
    """The median gap between the orders of a customer before `cut`; raises NotEnoughData where there is none."""
    usual = history.median_gap_days(cut)
    if usual is None:
        raise NotEnoughData("next_order needs customers who ordered on more than one day; there is none.")
    return usual


def followed_customers(history: CustomerHistory, at: datetime, until: datetime) -> FollowedCustomers:
    """The customers of `at`, watched until `until`: an order counts if it still stood by then."""
    customers, later = history.snapshot(at), history.order_days(until, since=at)
    row = pc.index_in(customers.customer_ids, value_set=later[c.CUSTOMER_ID].combine_chunks())  # of the first order day
    came_at = later[ORDERED_AT].cast(pa.int64()).combine_chunks().take(row).to_numpy(zero_copy_only=False)
    next_days = (came_at / MICROSECONDS - at.timestamp()) / DAY_SECONDS
    followed = Followed(
        numbers=customers.features[:, [list(FEATURES).index(name) for name in NUMBERS]],
        next_days=np.where(np.isnan(next_days), np.inf, np.maximum(next_days, 0.0)),
        followed_days=(until - at) / DAY,
        day_fraction=at.timestamp() % DAY_SECONDS / DAY_SECONDS,
    )
    return FollowedCustomers(customers.customer_ids, followed)
