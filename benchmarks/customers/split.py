"""Orders split by time: the history of each customer, and the holdout after it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

HOLDOUT_SHARE: Final = 0.4  # of the time, by default
DAY: Final = pd.Timedelta(days=1)
FURTHER: Final = "further/"  # prefix of the identifiers of further customers, which may equal those of the others


@dataclass(frozen=True)
class Split:
    """Orders before `calibration_end`, and the outcomes of their customers, sorted by identifier, in the holdout."""

    history: pd.DataFrame  # customer_id, ordered_at (midnight), units, order_value: one row per customer and day
    further: pd.DataFrame | None  # the same of customers for training only
    calibration_end: pd.Timestamp  # the first midnight of the holdout
    horizon_days: int
    customers: np.ndarray  # (customers,) sorted
    orders: np.ndarray  # (customers,) days with an order within the horizon
    spend: np.ndarray  # (customers,)

    @property
    def all_orders(self) -> pd.DataFrame:
        """All orders before the calibration end, those of further customers included."""
        return self.history if self.further is None else pd.concat([self.history, self.further], ignore_index=True)


def read_orders(folder: Path) -> pd.DataFrame:
    """orders.parquet, one row per customer and day; identifiers become text, days are UTC.

    Returns (a negative value, or no units) are left out. An order of value zero with units counts: it is a gift.
    """
    orders = pd.read_parquet(folder / "orders.parquet", columns=["customer_id", "ordered_at", "units", "order_value"])
    rows, orders = len(orders), orders[(orders["order_value"] >= 0) & (orders["units"] > 0)]
    if orders.empty:
        raise SystemExit(
            f"None of the {rows:,} rows of {folder / 'orders.parquet'} is an order: an order has units above 0 and an "
            "order_value of 0 or more. Give a file whose orders have both."
        )
    times = orders["ordered_at"]
    times = times.dt.tz_convert("UTC").dt.tz_localize(None) if times.dt.tz is not None else times
    orders = orders.assign(customer_id=orders["customer_id"].astype(str), ordered_at=times.dt.floor("D"))
    return orders.groupby(["customer_id", "ordered_at"], as_index=False, sort=True)[["units", "order_value"]].sum()


def split(orders: pd.DataFrame, end: pd.Timestamp, horizon_days: int, further: pd.DataFrame | None = None) -> Split:
    """Cut at midnight `end`; only customers who ordered before it are scored."""
    history = _before(orders, end)
    within = (orders["ordered_at"] >= end) & (orders["ordered_at"] < end + horizon_days * DAY)
    customers = np.unique(history["customer_id"].to_numpy(str))
    later = orders[within]
    later = later[later["customer_id"].isin(customers)]
    row = np.searchsorted(customers, later["customer_id"].to_numpy(str))
    count = np.bincount(row, minlength=len(customers))
    spend = np.bincount(row, weights=later["order_value"].to_numpy(float), minlength=len(customers))
    known = None
    if further is not None:
        known = _before(further, end).assign(customer_id=lambda frame: FURTHER + frame["customer_id"])
    return Split(history, known, end, horizon_days, customers, count, spend)


def one_cut(
    orders: pd.DataFrame, calibration_end: pd.Timestamp | None, holdout_weeks: int | None
) -> tuple[pd.Timestamp, int]:
    """(end, horizon in days): `calibration_end` is the last day of the history; defaults follow from the data."""
    first, after = orders["ordered_at"].min(), orders["ordered_at"].max() + DAY
    days = None if holdout_weeks is None else 7 * holdout_weeks
    if calibration_end is not None:
        end = calibration_end + DAY
    elif days is not None:
        end = after - days * DAY
    else:
        end = after - round((after - first).days * HOLDOUT_SHARE) * DAY
    if not first < end < after:
        raise SystemExit(
            f"The calibration would end before {end.date()}, but the orders run from {first.date()} to "
            f"{(after - DAY).date()}; name a --calibration-end within."
        )
    return end, days if days is not None else (after - end).days


def rolling_cuts(orders: pd.DataFrame, horizon_days: int) -> list[tuple[pd.Timestamp, int]]:
    """The first of each month in the second half of the time, as long as the whole horizon is in the data."""
    first, after = orders["ordered_at"].min(), orders["ordered_at"].max() + DAY
    half = first + (after - first) / 2
    months = pd.date_range(half.normalize(), after - horizon_days * DAY, freq="MS")
    if not len(months):
        raise SystemExit(
            f"No month begins between {half.date()}, half of the time, and {horizon_days} days before "
            f"the last order; ask for fewer --horizon-days."
        )
    return [(month, horizon_days) for month in months]


def _before(orders: pd.DataFrame, end: pd.Timestamp) -> pd.DataFrame:
    return orders[orders["ordered_at"] < end].reset_index(drop=True)
