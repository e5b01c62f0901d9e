"""The past of the next_order family: who the customers of an instant were, and when their next order came."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import ibis
import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.followed import NUMBERS, Followed
from models.next_order import SOON_DAYS, NextOrderParameters
from pipelines.features.customer import customer_features, customer_input
from pipelines.features.orders import DAY_SECONDS, GAP_DAYS, ORDERED_AT, order_gaps, orders

# Training, calibration and test need a horizon each, and the features some past.
HISTORY_HORIZONS: Final = 4
DAY: Final = timedelta(days=1)


@dataclass(frozen=True)
class FollowedCustomers:
    """Everybody with an order before an instant, sorted by id, and what followed."""

    ids: pa.Array  # (customers,)
    followed: Followed


class OrderHistory:
    """The part of the events that matters here, fetched once."""

    def __init__(self, events: ibis.Table, as_of: datetime) -> None:
        self.as_of = as_of
        self._events = customer_input(events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of))).cache()

    def horizon_days(self, parameters: NextOrderParameters) -> int:
        """How far ahead the history lets us see; raises NotEnoughData."""
        placed = orders(self._events, self.as_of)
        first = placed.agg(first=placed[ORDERED_AT].min()).to_pyarrow().to_pylist()[0]["first"]
        history_days = 0 if first is None else int((self.as_of - first) / DAY)
        if history_days < HISTORY_HORIZONS * SOON_DAYS:
            raise NotEnoughData(
                f"next_order needs {HISTORY_HORIZONS * SOON_DAYS} days of orders; there are {history_days}. "
                "Ingest older orders, or wait."
            )
        return min(history_days // HISTORY_HORIZONS, parameters.longest_days)

    def usual_gap_days(self, cut: datetime) -> float:
        """The median gap between the orders of a customer before `cut`; raises NotEnoughData where there is none."""
        gaps = order_gaps(orders(self._events, cut))[GAP_DAYS]
        usual = gaps.as_table().agg(usual=gaps.median()).to_pyarrow().to_pylist()[0]["usual"]
        if usual is None:
            raise NotEnoughData("next_order needs customers who ordered on more than one day; there is none.")
        return float(usual)

    def customers(self, at: datetime, until: datetime) -> FollowedCustomers:
        """The customers of `at`, watched until `until`: an order counts if it still stood by then."""
        later = self._events.filter(self._events[c.OCCURRED_AT] >= ibis.literal(at))
        placed = orders(later, until)
        came = placed.group_by(c.CUSTOMER_ID).agg(came_at=placed[ORDERED_AT].min())
        known = customer_features(self._events, at).select(c.CUSTOMER_ID, *NUMBERS)
        joined = known.left_join(came, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
        seconds = joined.came_at.epoch_seconds() - at.timestamp()
        table = joined.mutate(next_days=seconds / DAY_SECONDS).order_by(c.CUSTOMER_ID).to_pyarrow()
        numbers = [table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in NUMBERS]
        next_days = table["next_days"].to_numpy(zero_copy_only=False).astype(np.float64)
        followed = Followed(
            numbers=np.column_stack(numbers),
            next_days=np.where(np.isnan(next_days), np.inf, np.maximum(next_days, 0.0)),
            followed_days=(until - at) / DAY,
            day_fraction=at.timestamp() % DAY_SECONDS / DAY_SECONDS,
        )
        return FollowedCustomers(table[c.CUSTOMER_ID].combine_chunks(), followed)
