"""Snapshots of the next_order family: the customers of an instant, and when their next order came."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import NotEnoughData
from contracts.time_units import MICROSECONDS_PER_SECOND, SECONDS_PER_DAY
from models.customers.features import FEATURES
from models.next_purchase.censored_customers import STATIC_FEATURES, CensoredCustomers
from models.next_purchase.model import SOON_DAYS, NextOrderParameters
from pipelines.families.snapshots import DAY, CustomerHistory
from pipelines.features.order_statements import ORDERED_AT

HISTORY_HORIZONS: Final = 4  # training, calibration and test need one each, and the features some past


@dataclass(frozen=True)
class CensoredSnapshot:
    """Everybody with an order before an instant, sorted by id, and their next orders."""

    ids: pa.Array  # (customers,)
    customers: CensoredCustomers


def horizon_days(history: CustomerHistory, parameters: NextOrderParameters) -> int:
    """How many days ahead the history allows; raises NotEnoughData."""
    first = history.first_order_at()
    history_days = 0 if first is None else int((history.as_of - first) / DAY)
    if history_days < HISTORY_HORIZONS * SOON_DAYS:
        raise NotEnoughData(
            f"next_order needs {HISTORY_HORIZONS * SOON_DAYS} days of orders; there are {history_days}. "
            "Ingest older orders, or wait."
        )
    return min(history_days // HISTORY_HORIZONS, parameters.longest_days)


def median_gap_days(history: CustomerHistory, cut: datetime) -> float:
    """The median time between a customer's orders before `cut`; raises NotEnoughData where nobody ordered twice."""
    median = history.median_gap_days(cut)
    if median is None:
        raise NotEnoughData("next_order needs customers who ordered on more than one day; there is none.")
    return median


def censored_snapshot(history: CustomerHistory, at: datetime, until: datetime) -> CensoredSnapshot:
    """The customers of `at`, observed until `until`; an order counts if it still stood by then."""
    snapshot, later = history.snapshot(at), history.order_days(until, since=at)
    row = pc.index_in(snapshot.customer_ids, value_set=later[c.CUSTOMER_ID].combine_chunks())  # of the first order day
    ordered_at = later[ORDERED_AT].cast(pa.int64()).combine_chunks().take(row).to_numpy(zero_copy_only=False)
    event_days = (ordered_at / MICROSECONDS_PER_SECOND - at.timestamp()) / SECONDS_PER_DAY
    customers = CensoredCustomers(
        features=snapshot.features[:, [list(FEATURES).index(name) for name in STATIC_FEATURES]],
        event_days=np.where(np.isnan(event_days), np.inf, np.maximum(event_days, 0.0)),
        follow_up_days=(until - at) / DAY,
        day_fraction=at.timestamp() % SECONDS_PER_DAY / SECONDS_PER_DAY,
    )
    return CensoredSnapshot(snapshot.customer_ids, customers)
