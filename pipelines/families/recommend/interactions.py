"""What the recommender is made from, read out of the warehouse: interactions as codes, and the catalogue as arrays."""

from dataclasses import dataclass
from datetime import datetime

import ibis
import numpy as np
import orjson
import pyarrow as pa

from contracts import columns as c
from contracts.events.names import ORDER_COMPLETED
from pipelines.features.interactions import KIND_BY_EVENT, interactions
from recsys.data.catalogue import ALWAYS, Items
from recsys.data.interactions import KINDS, Interactions
from recsys.data.vocabulary import Vocabulary


@dataclass(frozen=True)
class InteractionRows:
    """The interactions before one moment, as codes and what the codes stand for; one entry per interaction."""

    customer: np.ndarray
    customer_ids: list[str]
    item: np.ndarray
    item_ids: list[str]
    kind: np.ndarray
    kinds: list[str]
    times: np.ndarray  # seconds since 1970 UTC

    def interactions(self, customers: Vocabulary, items: Items) -> Interactions:
        """Sorted histories; what concerns an item that is not in the catalogue is left out."""
        item = items.ids.indices(self.item_ids)[self.item]
        known = item >= 0
        return Interactions.of(
            customers=customers,
            item_count=len(items),
            customer=customers.indices(self.customer_ids)[self.customer][known],
            item=item[known],
            kind=np.array([KINDS.index(name) for name in self.kinds], np.uint8)[self.kind][known],
            time=self.times[known],
        )


def first_interaction(events: ibis.Table, default: int) -> int:
    """When the first view, cart addition or order happened, seconds since 1970 UTC; `default` where there is none."""
    is_interaction = events[c.EVENT].isin((*KIND_BY_EVENT, ORDER_COMPLETED)) & events[c.ITEM_ID].notnull()
    first = events.filter(is_interaction)[c.OCCURRED_AT].min().to_pyarrow().as_py()
    return default if first is None else int(first.timestamp())


def known_since(events: ibis.Table, told: ibis.Table, items: Items) -> np.ndarray:
    """When the store first knew each item, (items,) seconds since 1970 UTC; -1 where no time is known.

    That is its first event, or when the catalogue first told it, but not before it was available.
    """
    seen = events.filter(events[c.ITEM_ID].notnull()).group_by(c.ITEM_ID).agg(at=events[c.OCCURRED_AT].min())
    dated = told.filter(told[c.UPDATED_AT].notnull()).group_by(c.ITEM_ID)
    first_told = dated.agg(at=ibis.greatest(told[c.UPDATED_AT].min(), told[c.AVAILABLE_FROM].min()))
    since = np.full(len(items), np.iinfo(np.int64).max)
    for table in (seen.to_pyarrow(), first_told.to_pyarrow()):
        item = items.ids.indices(table[c.ITEM_ID].to_pylist())
        at = table["at"].cast(c.TIMESTAMP).cast(pa.int64()).to_numpy() // 1_000_000
        np.minimum.at(since, item[item >= 0], at[item >= 0])
    return np.where(since == np.iinfo(np.int64).max, -1, since)


def read_interactions(events: ibis.Table, as_of: datetime) -> InteractionRows:
    """What was known before `as_of`: of an order refunded later, the order; of one refunded before, nothing."""
    table = interactions(events, as_of).to_pyarrow()
    codes = (_codes(table[name]) for name in (c.CUSTOMER_ID, c.ITEM_ID, c.KIND))
    (customer, customer_ids), (item, item_ids), (kind, kinds) = codes
    times = table[c.OCCURRED_AT].cast(c.TIMESTAMP).cast(pa.int64()).to_numpy() // 1_000_000
    return InteractionRows(customer, customer_ids, item, item_ids, kind, kinds, times)


def read_items(table: ibis.Table) -> Items:
    """The catalogue, a table with the columns of `columns.CATALOGUE`."""
    catalogue = table.select(*c.CATALOGUE.names).to_pyarrow()
    available = catalogue[c.AVAILABLE_FROM].cast(c.TIMESTAMP).cast(pa.int64())
    has_date = available.is_valid().to_numpy()
    seconds = available.fill_null(0).to_numpy() // 1_000_000
    return Items.of(
        ids=catalogue[c.ITEM_ID].to_pylist(),
        names=catalogue[c.ITEM_NAME].to_pylist(),
        categories=catalogue[c.ITEM_CATEGORY].to_pylist(),
        brands=catalogue[c.ITEM_BRAND].to_pylist(),
        price=_numbers(catalogue[c.PRICE]),
        stock=_numbers(catalogue[c.STOCK]),
        available_from=np.where(has_date, seconds, ALWAYS),
        attributes=[orjson.loads(text) if text else {} for text in catalogue[c.ATTRIBUTES].to_pylist()],
    )


def _codes(column: pa.ChunkedArray) -> tuple[np.ndarray, list[str]]:
    """The code of each row, and the texts that the codes stand for."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return encoded.indices.to_numpy(zero_copy_only=False), encoded.dictionary.to_pylist()


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).fill_null(float("nan")).to_numpy(), np.float32)
