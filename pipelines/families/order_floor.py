"""Expected orders are never fewer than the probability of an order in the same time."""

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from contracts import columns as c
from pipelines.families.family import BundleDraft

ORDERS_DAYS: Final = 90  # of `c.EXPECTED_ORDERS_90D`


def with_orders_at_least(table: pa.Table, probability: pa.Array | pa.ChunkedArray) -> pa.Table:
    """The customers' table with expected orders raised to `probability` (customers,); null raises nothing."""
    if c.EXPECTED_ORDERS_90D not in table.column_names:
        return table
    orders = table[c.EXPECTED_ORDERS_90D]
    raised = pc.if_else(orders.is_valid(), pc.max_element_wise(orders, pc.round(probability, 4)), orders)
    return table.set_column(table.column_names.index(c.EXPECTED_ORDERS_90D), c.EXPECTED_ORDERS_90D, raised)


def with_orders_as_churn_says(table: pa.Table, draft: BundleDraft) -> pa.Table:
    """The same with one minus the churn risk, where its horizon is not longer than the time of the orders."""
    if not {c.CHURN_RISK, c.CHURN_HORIZON_DAYS} <= set(table.column_names):
        return table
    is_within = pc.less_equal(table[c.CHURN_HORIZON_DAYS], ORDERS_DAYS)
    stays = pc.subtract(1.0, table[c.CHURN_RISK].cast(pa.float64()))
    return with_orders_at_least(table, pc.if_else(is_within, stays, pa.scalar(None, pa.float64())))
