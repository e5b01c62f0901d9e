"""Dated snapshots of the customers: what was known of each at an instant, and whether an order followed.

The features of a snapshot look at nothing at or after it; its outcome looks at nothing before it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import NotEnoughData
from models.churn import ChurnParameters
from models.churn_features import FEATURES
from models.purchase_history import PurchaseHistory
from models.purchase_outlook import PARETO_NBD, PurchaseModels, PurchaseOutlook
from pipelines.features.customer import customer_features, customer_input
from pipelines.features.orders import DAY_SECONDS, GAP_DAYS, ORDERED_AT, VALUE, order_gaps, orders

ELIGIBLE_HORIZONS: Final = 2  # who has been silent for longer has lapsed, and is neither trained on nor scored
HISTORY_HORIZONS: Final = 5  # training, calibration and test need a horizon each, and features some past
MIN_HORIZON_DAYS: Final = 7
MAX_HORIZON_DAYS: Final = 365
DAY: Final = timedelta(days=1)
RECENCY: Final = list(FEATURES).index("recency_days")


@dataclass(frozen=True)
class Snapshot:
    """The customers of one instant, sorted by id."""

    at: datetime
    customer_ids: pa.Array  # (customers,)
    features: np.ndarray  # (customers, len(FEATURES)); NaN where missing
    outcome: np.ndarray | None = None  # (customers,); 1: no order within the horizon; None: not known yet

    @property
    def recency_days(self) -> np.ndarray:
        recency: np.ndarray = self.features[:, RECENCY]
        return recency

    def taken(self, chosen: np.ndarray) -> "Snapshot":
        """The customers where `chosen` (customers,) is true."""
        outcome = None if self.outcome is None else self.outcome[chosen]
        return Snapshot(self.at, self.customer_ids.filter(pa.array(chosen)), self.features[chosen], outcome)


@dataclass(frozen=True)
class PurchaseRhythm:
    """How often the store's customers come, and the horizon that follows from it."""

    first_order_at: datetime
    usual_gap_days: float  # median over the gaps between a customer's orders
    horizon_days: int


class CustomerHistory:
    """The part of the events that matters here, fetched once, and snapshots of it."""

    def __init__(self, events: ibis.Table, as_of: datetime) -> None:
        self.as_of = as_of
        self._events = customer_input(events.filter(events[c.OCCURRED_AT] < ibis.literal(as_of))).cache()
        self._purchases: dict[datetime, tuple[pa.Array, PurchaseHistory]] = {}
        self._models: dict[tuple[datetime, str], PurchaseModels] = {}

    def rhythm(self, parameters: ChurnParameters) -> PurchaseRhythm:
        """The horizon: a high quantile of the gaps between orders, as the history allows; raises NotEnoughData."""
        placed = orders(self._events, self.as_of)
        gaps = order_gaps(placed)[GAP_DAYS]
        summary = placed.agg(first=placed[ORDERED_AT].min(), customers=placed[c.CUSTOMER_ID].nunique())
        first, customers = summary.to_pyarrow().to_pylist()[0].values()
        if customers < parameters.min_customers:
            raise NotEnoughData(
                f"churn needs at least {parameters.min_customers} known customers with an order; there are {customers}."
            )
        quantiles = gaps.as_table().agg(usual=gaps.median(), long=gaps.quantile(parameters.horizon_quantile))
        usual, long = quantiles.to_pyarrow().to_pylist()[0].values()
        return _rhythm(first, self.as_of, usual, long, parameters)

    def first_order_at(self) -> datetime | None:
        """When the first order was placed; None where there is none."""
        placed = orders(self._events, self.as_of)
        first: datetime | None = placed.agg(first=placed[ORDERED_AT].min()).to_pyarrow()["first"][0].as_py()
        return first

    def snapshot(self, at: datetime, horizon_days: int | None = None) -> Snapshot:
        """Everybody with an order before `at`; with `horizon_days`, those who have not lapsed, and what they did."""
        table = customer_features(self._events, at).select(c.CUSTOMER_ID, *FEATURES)
        if horizon_days is None:
            return _snapshot(table.order_by(c.CUSTOMER_ID).to_pyarrow(), at)
        came = self._customers_with_order(at, at + horizon_days * DAY)
        eligible = table.filter(table.recency_days < ELIGIBLE_HORIZONS * horizon_days)
        labelled = eligible.left_join(came, c.CUSTOMER_ID).drop(f"{c.CUSTOMER_ID}_right")
        return _snapshot(labelled.order_by(c.CUSTOMER_ID).to_pyarrow(), at)

    def bought(self, customer_ids: pa.Array, start: datetime, end: datetime) -> tuple[np.ndarray, np.ndarray]:
        """How many orders each of them placed in [start, end) that still stood at the end, and of what value.

        Orders of one day count as one.
        """
        later = self._events.filter(self._events[c.OCCURRED_AT] >= ibis.literal(start))
        table = _order_days(orders(later, end)).to_pyarrow()
        row = pc.index_in(table[c.CUSTOMER_ID], value_set=customer_ids).combine_chunks()
        known = row.is_valid().to_numpy(zero_copy_only=False)
        rows = row.drop_null().to_numpy()
        values = table[VALUE].to_numpy()[known]
        size = len(customer_ids)
        return np.bincount(rows, minlength=size).astype(float), np.bincount(rows, weights=values, minlength=size)

    def outlook(
        self, customer_ids: pa.Array, at: datetime, horizon_days: float, form: str = PARETO_NBD
    ) -> PurchaseOutlook:
        """What the purchase histories at `at` alone let expect of each of them; models are fitted on all customers."""
        everybody, purchases = self._purchases_at(at)
        if (at, form) not in self._models:
            self._models[at, form] = PurchaseModels.fit(purchases, form)
        rows = pc.index_in(customer_ids, value_set=everybody).to_numpy()
        return self._models[at, form].outlook(purchases.take(rows), horizon_days)

    def _purchases_at(self, at: datetime) -> tuple[pa.Array, PurchaseHistory]:
        """Everybody with an order before `at`, and their purchase histories."""
        if at not in self._purchases:
            days = _order_days(orders(self._events, at)).order_by(c.CUSTOMER_ID, "day").to_pyarrow()
            codes = days[c.CUSTOMER_ID].combine_chunks().dictionary_encode()
            day, value = days["day"].to_numpy(), days[VALUE].to_numpy()
            last_day = int(at.timestamp() // DAY_SECONDS)
            history = PurchaseHistory.of_orders(codes.indices.to_numpy(), day, value, last_day)
            self._purchases[at] = codes.dictionary, history
        return self._purchases[at]

    def _customers_with_order(self, start: datetime, end: datetime) -> ibis.Table:
        """Who placed an order in [start, end) that still stood at the end."""
        later = self._events.filter(self._events[c.OCCURRED_AT] >= ibis.literal(start))
        return orders(later, end).select(c.CUSTOMER_ID).distinct().mutate(came=ibis.literal(True))


def _order_days(placed: ibis.Table) -> ibis.Table:
    """One row per customer and UTC day with an order: customer_id, day (a number), value of the day's orders."""
    days = placed.mutate(day=(placed[ORDERED_AT].epoch_seconds() // DAY_SECONDS).cast("int64"))
    return days.group_by(c.CUSTOMER_ID, "day").agg(days[VALUE].sum().round(2).name(VALUE))


def _snapshot(table: pa.Table, at: datetime) -> Snapshot:
    columns = [table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in FEATURES]
    features = np.column_stack(columns) if table.num_rows else np.empty((0, len(FEATURES)))
    outcome = None
    if "came" in table.column_names:
        outcome = table["came"].is_null().to_numpy().astype(np.int8)
    return Snapshot(at, table[c.CUSTOMER_ID].combine_chunks(), features, outcome)


def _rhythm(
    first: datetime, as_of: datetime, usual: float | None, long: float | None, parameters: ChurnParameters
) -> PurchaseRhythm:
    history_days = (as_of - first) / DAY
    if usual is None or long is None:
        raise NotEnoughData("churn needs customers who ordered on more than one day; there is none.")
    longest = min(int(history_days / HISTORY_HORIZONS), MAX_HORIZON_DAYS)
    horizon_days = parameters.horizon_days or int(
        np.clip(round(long), MIN_HORIZON_DAYS, max(longest, MIN_HORIZON_DAYS))
    )
    if horizon_days > longest and horizon_days * HISTORY_HORIZONS > history_days:
        raise NotEnoughData(
            f"churn with a horizon of {horizon_days} days needs {horizon_days * HISTORY_HORIZONS} days of orders; "
            f"there are {history_days:.0f}. Wait, or set families.churn.horizon_days to {max(longest, 1)} or less."
        )
    return PurchaseRhythm(first, float(usual), horizon_days)
