"""What publishing adds to the customers' table once every family's columns are joined: it needs several of them."""

import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from contracts.bundle import read_arrays
from contracts.progress import Progress, silent
from pipelines.families.recommend.family import PARAMETERS_FILE, RANKER_FILE
from pipelines.publishing.next_best_action import described_actions, suggested_actions
from recsys.data.batch_signals import ItemColumns
from recsys.ranking.ranker import MOMENTS
from recsys.recommender import Recommender
from recsys.request import Query
from recsys.reranking.policy import Policy

ITEMS_EACH: Final = 3
MAX_RECOMMENDED: Final = 50_000  # customers; an answer takes a few milliseconds of one core
CUSTOMERS_PER_TASK: Final = 256
STEP: Final = "publish: recommended items"

DERIVED_COLUMNS: Final[Mapping[str, str]] = {
    c.VALUE_AT_RISK: "What the store stands to lose: the risk that the customer leaves times the value expected in the "
    "next 90 days; empty where either is not known.",
    c.SUGGESTED_ACTION: "What to do, by the first of these rules that applies, of what is known: "
    f"{described_actions()}. Where the store has told nobody's consent, none is looked at.",
    c.RECOMMENDED_ITEMS: f"Up to {ITEMS_EACH} items to show this customer, the best first; empty for who refused "
    "personalization or has neither visited nor ordered. In a store of more customers than "
    f"{MAX_RECOMMENDED:,}, only for those with most at risk, then those who ordered last.",
}

log = logging.getLogger(__name__)


def with_derived_columns(
    table: pa.Table,
    recommender: Recommender | None,
    progress: Progress = silent,
    threads: int = 2,
    max_recommended: int = MAX_RECOMMENDED,
) -> pa.Table:
    """The customers' table with DERIVED_COLUMNS, as far as its columns and a recommender allow.

    A column whose ingredients are missing altogether is left out.
    """
    if c.CHURN_RISK in table.column_names and c.EXPECTED_VALUE_90D in table.column_names:
        risk, value = (table[name].cast(pa.float64()) for name in (c.CHURN_RISK, c.EXPECTED_VALUE_90D))
        table = table.append_column(c.VALUE_AT_RISK, pc.round(pc.multiply(risk, value), 2))
    if recommender is not None:
        items = _recommended_items(table, recommender, progress, threads, max_recommended)
        table = table.append_column(c.RECOMMENDED_ITEMS, items)
    actions = suggested_actions(table)
    return table.append_column(c.SUGGESTED_ACTION, actions) if actions.null_count < len(actions) else table


def without_past_dates(table: pa.Table, as_of: datetime) -> pa.Table:
    """The customers' table without next orders that were expected before the day of `as_of`.

    A family may be kept from an older bundle, or trained days before it is published; what it foretold for the days
    since has come true or has not, and is no forecast any more. A range of which the end is still to come keeps that.
    """
    today = pa.scalar(as_of.astimezone(UTC).date(), pa.date32())
    for name in (c.NEXT_ORDER_EXPECTED, c.NEXT_ORDER_FROM, c.NEXT_ORDER_TO):
        if name in table.column_names:
            dates = pc.if_else(pc.greater_equal(table[name], today), table[name], pa.scalar(None, pa.date32()))
            table = table.set_column(table.column_names.index(name), name, dates)
    return table


def read_recommender(
    folder: Path, policy: Policy = Policy(), items: pa.Table | None = None, item_columns: Iterable[str] = ()
) -> Recommender | None:
    """The recommender whose files lie in a bundle's folder, under the merchant's policy; None where there is none.

    Of `items`, the table of items as it will be published, the policy may name `item_columns`: as when it is served.
    """
    if not (folder / PARAMETERS_FILE).is_file():
        return None
    texts = {moment: (folder / RANKER_FILE.format(moment=moment)).read_text(encoding="utf-8") for moment in MOMENTS}
    parameters = json.loads((folder / PARAMETERS_FILE).read_text(encoding="utf-8"))
    recommender = Recommender.from_arrays(read_arrays(folder), texts, parameters)
    if items is None:
        return recommender.with_policy(policy)
    columns = ItemColumns(items, item_columns, recommender.retriever.items.ids)
    return recommender.with_policy(policy, columns.attributes(policy.attribute_names))


def _recommended_items(
    table: pa.Table, recommender: Recommender, progress: Progress, threads: int, max_recommended: int
) -> pa.Array:
    """A list of item ids per customer, null where none are told."""
    rows = _recommendable(table, recommender)
    if len(rows) > max_recommended:
        log.warning("items are recommended to %s of %s customers: those with most at risk", max_recommended, len(rows))
        rows = rows[_most_urgent(table.take(pa.array(rows)), max_recommended)]
    ids: list[str] = table[c.CUSTOMER_ID].take(pa.array(rows, pa.int64())).to_pylist()
    chunks = [ids[start : start + CUSTOMERS_PER_TASK] for start in range(0, len(ids), CUSTOMERS_PER_TASK)]
    found: list[list[str]] = []
    progress(STEP, 0, len(ids))
    for answers in _answered(recommender, chunks, threads):
        found += answers
        progress(STEP, len(found), len(ids))
    places = np.full(table.num_rows, -1)
    places[rows] = np.arange(len(rows))
    lists = pa.array([items or None for items in found], pa.list_(pa.string()))
    return lists.take(pa.array(places, mask=places < 0))


def _answered(recommender: Recommender, chunks: list[list[str]], threads: int) -> Iterator[list[list[str]]]:
    def answer(customer_ids: list[str]) -> list[list[str]]:
        answers = [recommender.recommend(Query(customer_id=one, k=ITEMS_EACH)) for one in customer_ids]
        return [[item.item_id for item in each.items] for each in answers]

    # What is compiled is free of the interpreter's lock, so that threads help.
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(answer, chunks)


def _recommendable(table: pa.Table, recommender: Recommender) -> np.ndarray:
    """Rows of who has not refused personalization and has visited or ordered, as far as the recommender may know."""
    refused = np.zeros(table.num_rows, bool)
    if c.CONSENT_PERSONALIZATION in table.column_names:
        said = pc.equal(table[c.CONSENT_PERSONALIZATION], False).fill_null(False)
        refused = said.to_numpy(zero_copy_only=False)
    known = recommender.histories.customers.indices(table[c.CUSTOMER_ID].to_pylist()) >= 0
    return np.flatnonzero(known & ~refused)


def _most_urgent(table: pa.Table, count: int) -> np.ndarray:
    """The rows with most value at risk, then those of the latest orders, in the order of the table."""
    keys = [name for name in (c.VALUE_AT_RISK, c.LAST_ORDER_AT) if name in table.column_names]
    order = pc.sort_indices(table, sort_keys=[(name, "descending") for name in keys])
    return np.sort(order.to_numpy()[:count]) if keys else np.arange(count)
