"""Dated snapshots of the customers: features of what was known then, and the outcomes that followed.

A snapshot's features use no event at or after it; its outcome uses none before it. Who is a customer, and who allows
personalization, is as known before the snapshot. Outcomes also count what the customer did under ids that only later
events link to them.
"""

from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import ibis
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.errors import NotEnoughData
from contracts.time_units import SECONDS_PER_DAY
from models.btyd.model import PARETO_NBD, BTYDForecast, BTYDModel
from models.customers.cadence import LAPSE_HORIZONS, CadenceParameters, PurchaseCadence, gaps_between_orders
from models.customers.features import FEATURES
from models.customers.purchase_history import PurchaseHistory
from pipelines.features.as_of import AsOf, timestamp
from pipelines.features.customer import INPUT_EVENTS, customer_features, customer_input
from pipelines.features.order_statements import ORDERED_AT
from pipelines.features.orders import VALUE, orders_of_consenting
from pipelines.features.prepared_query import PreparedQuery
from pipelines.identity.history import IdentityHistory
from pipelines.warehouse.schemas import IS_USER_ID, PERSON_ID
from pipelines.warehouse.views import with_customer

DAY: Final = timedelta(days=1)
BEGINNING: Final = datetime.min.replace(tzinfo=UTC)
_PERSON: Final = "person"
_KEY: Final = "key"
_CUSTOMER_COLUMNS: Final = (c.CUSTOMER_ID, c.IS_KNOWN, c.ALLOWS_PERSONALIZATION)  # as of now
RECENCY: Final = list(FEATURES).index("recency_days")


@dataclass(frozen=True)
class Snapshot:
    """The customers at one point in time, sorted by id."""

    at: datetime
    customer_ids: pa.Array  # (customers,)
    features: np.ndarray  # (customers, len(FEATURES)); NaN where missing
    outcome: np.ndarray | None = None  # (customers,); 1: no order within the horizon; None: not known yet

    @property
    def recency_days(self) -> np.ndarray:
        return self.features[:, RECENCY]

    def subset(self, chosen: np.ndarray) -> "Snapshot":
        """The customers where `chosen` (customers,) is true."""
        outcome = None if self.outcome is None else self.outcome[chosen]
        return Snapshot(self.at, self.customer_ids.filter(pa.array(chosen)), self.features[chosen], outcome)


class CustomerHistory:
    """The customers' events before `as_of`. They are fetched once, and each query is compiled once."""

    def __init__(self, events: ibis.Table, people: IdentityHistory, as_of: datetime) -> None:
        self.events = events
        self.people = people
        self.as_of = as_of
        self._models: dict[tuple[datetime, str], BTYDModel] = {}
        self._left_out = np.empty(0, np.int64)  # persons whose customers no snapshot contains
        self._keys_name = ibis.util.gen_name("keys")

    def without_refusals(self) -> "CustomerHistory":
        """The same without the customers who refuse as of `as_of`, also in earlier snapshots.

        What is published learns from nobody who has refused since; a backtest must not know it. Queries are shared.
        """
        customers = self.people.customers(self.as_of)
        refuses = ~self.people.allowed(self.as_of, customers)
        _ = self._features, self._order_days  # prepared once, for both
        consenting = copy(self)
        consenting._left_out, consenting._models = np.flatnonzero(refuses[customers]), {}
        return consenting

    def cadence(self, parameters: CadenceParameters, family: str, at: datetime | None = None) -> PurchaseCadence:
        """The purchase cadence at `at`, by default the history's end; NotEnoughData names `family`."""
        at = at or self.as_of
        return cadence_of(self.order_days(at), at, parameters, family)

    def cadence_before_test(self, parameters: CadenceParameters, family: str) -> PurchaseCadence:
        """The purchase cadence by the gaps that ended before the test horizon, which is the last before `as_of`."""
        horizon_days = self.cadence(parameters, family).horizon_days
        while True:
            start = self.as_of - horizon_days * DAY
            try:
                found = cadence_of(self.order_days(start), self.as_of, parameters, family)
            except NotEnoughData as error:
                raise NotEnoughData(f"before the test period, which begins on {start:%Y-%m-%d}: {error}") from None
            if found.horizon_days <= horizon_days:  # else the gaps of a part of the test horizon were used
                return found
            horizon_days = found.horizon_days

    def median_gap_days(self, at: datetime) -> float | None:
        """The median of the days between a customer's orders before `at`; None where nobody ordered twice."""
        gaps = _gaps(self.order_days(at))
        return float(np.median(gaps)) if len(gaps) else None

    def first_order_at(self) -> datetime | None:
        """When the first order was placed; None where the store has no orders."""
        return pc.min(self.order_days(self.as_of)[ORDERED_AT]).as_py()

    def snapshot(self, at: datetime, horizon_days: int | None = None) -> Snapshot:
        """The customers with an order before `at`; with `horizon_days`, those not lapsed, and their outcomes."""
        customers = _snapshot(self._named(self._consenting(self._features(at), at)), at)
        if horizon_days is None:
            return customers
        eligible = customers.subset(customers.recency_days < LAPSE_HORIZONS * horizon_days)
        buyers = self.order_days(at + horizon_days * DAY, since=at)[c.CUSTOMER_ID].combine_chunks()
        is_retained = pc.is_in(eligible.customer_ids, value_set=buyers).to_numpy(zero_copy_only=False)
        return replace(eligible, outcome=(~is_retained).astype(np.int8))

    def outcomes(self, customer_ids: pa.Array, start: datetime, end: datetime) -> tuple[np.ndarray, np.ndarray]:
        """Orders in [start, end) of these customers, and their value, each (customers,).

        Orders that were undone by `end` do not count, and orders of one day count as one.
        """
        days = self.order_days(end, since=start)
        row = pc.index_in(days[c.CUSTOMER_ID], value_set=customer_ids).combine_chunks()
        is_wanted = row.is_valid().to_numpy(zero_copy_only=False)
        rows = row.drop_null().to_numpy()
        values = days[VALUE].to_numpy()[is_wanted]
        size = len(customer_ids)
        return np.bincount(rows, minlength=size).astype(float), np.bincount(rows, weights=values, minlength=size)

    def order_days(self, at: datetime, since: datetime = BEGINNING) -> pa.Table:
        """The days with an order in [since, at) that is not undone by `at`, sorted by customer and day.

        Columns: customer_id, day (the number of the UTC day), value of the day's orders, ordered_at (the first's). The
        customers are those known before `since`, also if they refused personalization, and those who came later.
        Without `since`, they are those known before `at` who allow it.
        """
        days = self._order_days(since, at)
        return self._named(self._consenting(days, at) if since == BEGINNING else days)

    def btyd_forecast(
        self, customer_ids: pa.Array, at: datetime, horizon_days: float, model_name: str = PARETO_NBD
    ) -> BTYDForecast:
        """The BTYD forecast of these customers as of `at`; the model is fitted on all customers."""
        everybody, purchases = self._purchases_at(at)
        if (at, model_name) not in self._models:
            self._models[at, model_name] = BTYDModel.fit(purchases, model_name)
        rows = pc.index_in(customer_ids, value_set=everybody).to_numpy()
        return self._models[at, model_name].predict(purchases.subset(rows), horizon_days)

    def _purchases_at(self, at: datetime) -> tuple[pa.Array, PurchaseHistory]:
        """Everybody with an order before `at`, and their purchase histories."""
        days = self.order_days(at)
        codes = days[c.CUSTOMER_ID].combine_chunks().dictionary_encode()
        day, value = days[c.DAY].to_numpy(), days[VALUE].to_numpy()
        last_day = int(at.timestamp() // SECONDS_PER_DAY)
        return codes.dictionary, PurchaseHistory.of_orders(codes.indices.to_numpy(), day, value, last_day)

    @cached_property
    def _events(self) -> ibis.Table:
        """What `customer_features` looks at of everybody who is known by now; the customer id is the person."""
        people = self.people
        is_known = people.is_user[people.customers(self.as_of)]
        persons = {
            IS_USER_ID: people.is_user,
            PERSON_ID: people.person_ids,
            c.CUSTOMER_ID: pa.array(np.arange(len(is_known)), pa.int32()),
            c.IS_KNOWN: is_known,
        }
        lines = self.events.drop(*(name for name in _CUSTOMER_COLUMNS if name in self.events.columns))
        past = lines.filter(lines[c.OCCURRED_AT] < ibis.literal(self.as_of), lines[c.EVENT].isin(INPUT_EVENTS))
        joined = with_customer(past, ibis.memtable(pa.table(persons)))
        known = joined.mutate(
            joined[c.IS_KNOWN].fill_null(False).name(c.IS_KNOWN), ibis.literal(True).name(c.ALLOWS_PERSONALIZATION)
        )
        return customer_input(known).cache()

    @cached_property
    def _keys(self) -> ibis.Table:
        """The customer of each person, both as numbers, at the times of the query that runs."""
        schema = ibis.schema({_PERSON: "int32", _KEY: "int32"})
        return self._events.get_backend().create_table(self._keys_name, schema=schema, temp=True)

    def _set_keys(self, customers: np.ndarray, is_customer: np.ndarray) -> None:
        """Let events belong to `customers` (persons,), where `is_customer` (customers,)."""
        persons = np.flatnonzero(is_customer[customers])
        rows = {_PERSON: pa.array(persons, pa.int32()), _KEY: pa.array(customers[persons], pa.int32())}
        self._events.get_backend().insert(self._keys_name, pa.table(rows), overwrite=True)

    def _set_keys_of_snapshot(self, at: datetime) -> None:
        customers = self.people.customers(at)
        self._set_keys(customers, self.people.is_user & self.people.allowed(at, customers))

    def _set_keys_of_orders(self, since: datetime, at: datetime) -> None:
        if since == BEGINNING:
            self._set_keys_of_snapshot(at)
        else:
            self._set_keys(self.people.outcome_customers(since, at), self.people.is_user)

    @property
    def _keyed(self) -> ibis.Table:
        """The events with the customers of `_keys`."""
        events, keys = self._events, self._keys
        joined = events.left_join(keys, events[c.CUSTOMER_ID] == keys[_PERSON])
        return customer_input(joined.mutate(joined[_KEY].name(c.CUSTOMER_ID), joined[_KEY].notnull().name(c.IS_KNOWN)))

    def _consenting(self, table: pa.Table, at: datetime) -> pa.Table:
        """The rows of customers, known as numbers at `at`, who are not left out."""
        if not len(self._left_out):
            return table
        is_left_out = np.isin(table[c.CUSTOMER_ID].to_numpy(), self.people.customers(at)[self._left_out])
        return table.filter(pa.array(~is_left_out))

    def _named(self, table: pa.Table) -> pa.Table:
        """The table with customer ids for their numbers, which have the same order."""
        ids = self.people.customer_ids.take(table[c.CUSTOMER_ID])
        return table.set_column(table.column_names.index(c.CUSTOMER_ID), c.CUSTOMER_ID, ids)

    @cached_property
    def _features(self) -> PreparedQuery:
        def build(at: AsOf) -> ibis.Table:
            return customer_features(self._keyed, at).select(c.CUSTOMER_ID, *FEATURES)

        return PreparedQuery(self._events.get_backend(), ["at"], build, [c.CUSTOMER_ID], self._set_keys_of_snapshot)

    @cached_property
    def _order_days(self) -> PreparedQuery:
        def build(since: AsOf, at: AsOf) -> ibis.Table:
            placed = orders_of_consenting(self._keyed, at)
            return order_days(placed.filter(placed[ORDERED_AT] >= timestamp(since)))

        key = [c.CUSTOMER_ID, c.DAY]
        return PreparedQuery(self._events.get_backend(), ["since", "at"], build, key, self._set_keys_of_orders)


def cadence_of(days: pa.Table, at: datetime, parameters: CadenceParameters, family: str) -> PurchaseCadence:
    """The purchase cadence of customers with these order days, sorted by customer and day.

    NotEnoughData names `family`.
    """
    customers = len(days[c.CUSTOMER_ID].unique())
    if customers < parameters.min_customers:
        raise NotEnoughData(
            f"the {family} family needs at least {parameters.min_customers} known customers with an order; there "
            f"are {customers}."
        )
    return PurchaseCadence.fit(_gaps(days), pc.min(days[ORDERED_AT]).as_py(), at, parameters, family)


def order_days(placed: ibis.Table) -> ibis.Table:
    """The days with an order; `placed` is what `orders` gave. Columns as in `CustomerHistory.order_days`."""
    days = placed.mutate((placed[ORDERED_AT].epoch_seconds() // SECONDS_PER_DAY).cast("int64").name(c.DAY))
    return days.group_by(c.CUSTOMER_ID, c.DAY).agg(
        days[VALUE].sum().round(2).name(VALUE), days[ORDERED_AT].min().name(ORDERED_AT)
    )


def _gaps(days: pa.Table) -> np.ndarray:
    """The days between a customer's orders, (gaps,); `days` is what `CustomerHistory.order_days` gave."""
    customer = days[c.CUSTOMER_ID].combine_chunks().dictionary_encode().indices.to_numpy()
    return gaps_between_orders(customer, days[c.DAY].to_numpy())


def _snapshot(table: pa.Table, at: datetime) -> Snapshot:
    columns = [table[name].to_numpy(zero_copy_only=False).astype(np.float64) for name in FEATURES]
    features = np.column_stack(columns) if table.num_rows else np.empty((0, len(FEATURES)))
    return Snapshot(at, table[c.CUSTOMER_ID].combine_chunks(), features)
