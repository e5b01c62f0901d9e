"""The items to recommend to each customer, as a column of the customers' table, made when a bundle is published."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.progress import Progress, silent
from pipelines.families.family import BundleDraft
from recsys.data.batch_signals import BatchItemSignals
from recsys.files import read_recommender
from recsys.recommender import Recommender
from recsys.request import Query

ITEMS_EACH: Final = 3
MAX_RECOMMENDED: Final = 50_000  # customers; an answer takes a few milliseconds of one core
CUSTOMERS_PER_TASK: Final = 256
STEP: Final = "publish: recommended items"
DESCRIPTION: Final = (
    f"Up to {ITEMS_EACH} items to show this customer, the best first; empty for customers who refused personalization "
    f"or have neither visited nor ordered. In a store of more than {MAX_RECOMMENDED:,} customers, only for "
    "those with the highest value at risk, then those who ordered last."
)

log = logging.getLogger(__name__)


def with_recommended_items(table: pa.Table, draft: BundleDraft) -> pa.Table:
    """The customers' table with the items that the draft's recommender ranks first under the merchant's policy."""
    recommender = read_recommender(draft.folder)
    signals = BatchItemSignals(draft.items, draft.item_columns, recommender.retriever.items.ids)
    recommender = recommender.with_policy(draft.policy, signals.attributes(draft.policy.attribute_names))
    items = recommended_items(table, recommender, draft.progress, draft.threads)
    return table.append_column(c.RECOMMENDED_ITEMS, items)


def recommended_items(
    table: pa.Table,
    recommender: Recommender,
    progress: Progress = silent,
    threads: int = 2,
    max_recommended: int = MAX_RECOMMENDED,
) -> pa.Array:
    """A list of item ids per customer, (customers,); null for customers to whom nothing is recommended."""
    rows = _recommendable(table, recommender)
    if len(rows) > max_recommended:
        log.warning(
            "items are recommended to %s of %s customers: those with the highest value at risk",
            max_recommended,
            len(rows),
        )
        rows = rows[_most_urgent(table.take(pa.array(rows)), max_recommended)]
    ids: list[str] = table[c.CUSTOMER_ID].take(pa.array(rows, pa.int64())).to_pylist()
    chunks = [ids[start : start + CUSTOMERS_PER_TASK] for start in range(0, len(ids), CUSTOMERS_PER_TASK)]
    answered: list[list[str]] = []
    progress(STEP, 0, len(ids))
    for answers in _answers(recommender, chunks, threads):
        answered += answers
        progress(STEP, len(answered), len(ids))
    places = np.full(table.num_rows, -1)
    places[rows] = np.arange(len(rows))
    lists = pa.array([items or None for items in answered], pa.list_(pa.string()))
    return lists.take(pa.array(places, mask=places < 0))


def _answers(recommender: Recommender, chunks: list[list[str]], threads: int) -> Iterator[list[list[str]]]:
    def answer(customer_ids: list[str]) -> list[list[str]]:
        answers = [recommender.recommend(Query(customer_id=one, k=ITEMS_EACH)) for one in customer_ids]
        return [[item.item_id for item in each.items] for each in answers]

    # The compiled functions release the interpreter's lock, so that threads help.
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(answer, chunks)


def _recommendable(table: pa.Table, recommender: Recommender) -> np.ndarray:
    """The rows of customers who did not refuse personalization and have a history in the recommender."""
    refused = np.zeros(table.num_rows, bool)
    if c.CONSENT_PERSONALIZATION in table.column_names:
        is_refused = pc.equal(table[c.CONSENT_PERSONALIZATION], False).fill_null(False)
        refused = is_refused.to_numpy(zero_copy_only=False)
    known = recommender.histories.customers.indices(table[c.CUSTOMER_ID].to_pylist()) >= 0
    return np.flatnonzero(known & ~refused)


def _most_urgent(table: pa.Table, count: int) -> np.ndarray:
    """The rows with the most value at risk, then with the latest orders, in the order of the table."""
    keys = [name for name in (c.VALUE_AT_RISK, c.LAST_ORDER_AT) if name in table.column_names]
    order = pc.sort_indices(table, sort_keys=[(name, "descending") for name in keys])
    return np.sort(order.to_numpy()[:count]) if keys else np.arange(count)
