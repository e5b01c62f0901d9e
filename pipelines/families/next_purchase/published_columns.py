"""The columns of the next_order family, and their agreement with the churn risk when a bundle is assembled.

Each customer has one curve, the probability of an order by any day. All columns are read from it. At publication the
curve is anchored, so that its probability of no order within the churn horizon is the churn risk.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import FAMILY_TABLE, read_table
from contracts.time_units import SECONDS_PER_DAY
from models.next_purchase.calibration import HazardCalibration
from models.next_purchase.censored_customers import dates_after
from models.next_purchase.hazard_curves import HazardCurves
from models.next_purchase.model import FEATURES, SOON_DAYS, HazardModel
from models.stored_parameters import read_parameters
from pipelines.families.family import BundleDraft
from pipelines.families.order_floor import ORDERS_DAYS, with_orders_at_least

SOON: Final = "next_order_probability_30d"
DATES: Final = (c.NEXT_ORDER_EXPECTED, c.NEXT_ORDER_FROM, c.NEXT_ORDER_TO)
# Kept in the family's own table, and not published.
HAZARDS: Final = "next_order_hazards"
KNOWN_BEFORE: Final = "next_order_known_before"


@dataclass(frozen=True)
class NextOrderDates:
    """The published answer, (customers,): UTC dates after the instant's own; NaN where no date is given."""

    expected: np.ndarray
    first: np.ndarray
    last: np.ndarray
    soon: np.ndarray  # P(order within SOON_DAYS)


def next_order_dates(
    curves: HazardCurves, calibration: HazardCalibration, day_fraction: float, least_chance: float
) -> NextOrderDates:
    """What the curves say; no range below `least_chance`, no expected date where fewer than half order."""
    has_range = curves.event_probability(curves.horizon_days) >= least_chance

    def dates(level: float) -> np.ndarray:
        return np.where(has_range, dates_after(curves.quantile_days(level), day_fraction), np.nan)

    expected = dates_after(curves.median_days(), day_fraction)
    first, last, soon = dates(calibration.low), dates(calibration.high), curves.event_probability(SOON_DAYS)
    # Half of all customers may have ordered only after nine tenths of those who order at all.
    return NextOrderDates(
        expected=expected,
        first=np.where(expected < first, expected, first),
        last=np.where(expected > last, expected, last),
        soon=soon,
    )


def own_table(
    ids: pa.Array, curves: HazardCurves, calibration: HazardCalibration, as_of: datetime, least_chance: float
) -> pa.Table:
    """The family's table, a row per customer: the published columns, and the curves from which they are derived."""
    hazards = pa.FixedSizeListArray.from_arrays(
        pa.array(curves.hazards.astype(np.float32).ravel()), curves.hazards.shape[1]
    )
    kept = {HAZARDS: hazards, KNOWN_BEFORE: pa.repeat(pa.scalar(as_of, c.TIMESTAMP), len(ids))}
    return pa.table({c.CUSTOMER_ID: ids, **_columns(curves, calibration, as_of, least_chance), **kept})


def coherent_with_churn(table: pa.Table, draft: BundleDraft) -> pa.Table:
    """The customers' table with columns of one curve per customer, anchored at the churn risk.

    `expected_orders_90d` is raised to the probability of an order in that time where it is lower. Dates before the day
    of the draft's `as_of` are left out: the family may have been trained days earlier. A range that ends later keeps
    its end.
    """
    own = read_table(draft.folder / FAMILY_TABLE)
    if not own.num_rows:
        return table
    model, parameters = HazardModel.read(draft.folder), read_parameters(draft.folder, FEATURES)
    place = pc.index_in(own[c.CUSTOMER_ID], value_set=table[c.CUSTOMER_ID].combine_chunks())
    is_present = place.is_valid()
    own, rows = own.filter(is_present), place.drop_null().to_numpy()
    curves = HazardCurves(model.edges, _matrix(own[HAZARDS]))
    if {c.CHURN_RISK, c.CHURN_HORIZON_DAYS} <= set(table.column_names) and len(rows):
        risk, horizon = _numbers(table[c.CHURN_RISK])[rows], pc.max(table[c.CHURN_HORIZON_DAYS]).as_py()
        curves = curves if horizon is None else curves.anchored(horizon, risk)
    known_before = own[KNOWN_BEFORE][0].as_py() if len(rows) else draft.as_of
    derived = _columns(curves, model.calibration, known_before, parameters["least_chance"])
    back = np.full(table.num_rows, -1)
    back[rows] = np.arange(len(rows))
    source = pa.array(back, mask=back < 0)
    for name, values in derived.items():
        table = table.set_column(table.column_names.index(name), name, values.take(source))
    table = with_orders_at_least(table, pa.array(curves.event_probability(ORDERS_DAYS)).take(source))
    return _without_past_dates(table, draft.as_of)


def _columns(
    curves: HazardCurves, calibration: HazardCalibration, as_of: datetime, least_chance: float
) -> dict[str, pa.Array]:
    seconds = as_of.timestamp()
    dates = next_order_dates(curves, calibration, seconds % SECONDS_PER_DAY / SECONDS_PER_DAY, least_chance)
    today = int(seconds // SECONDS_PER_DAY)
    columns = {
        name: pa.array(today + days, pa.float64(), from_pandas=True).cast(pa.int32()).cast(pa.date32())
        for name, days in zip(DATES, (dates.expected, dates.first, dates.last), strict=True)
    }
    return columns | {SOON: pa.array(np.round(dates.soon, 4))}


def _without_past_dates(table: pa.Table, as_of: datetime) -> pa.Table:
    today = pa.scalar(as_of.astimezone(UTC).date(), pa.date32())
    for name in DATES:
        dates = pc.if_else(pc.greater_equal(table[name], today), table[name], pa.scalar(None, pa.date32()))
        table = table.set_column(table.column_names.index(name), name, dates)
    return table


def _matrix(lists: pa.ChunkedArray) -> np.ndarray:
    flat = lists.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat.astype(float).reshape(len(lists), lists.type.list_size)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))
