"""The file that streams is the table, with its types."""

import io

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from serving.answers.exports import parquet
from serving.answers.exports.parquet import parquet_chunks
from serving.answers.tables.table import ServedTable
from tests.serving.shop import customers_table


@pytest.mark.parametrize("rows_per_group", [7, 1000])
@pytest.mark.parametrize("rows", [0, 40])
def test_what_was_written_is_read_again(rows: int, rows_per_group: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "ROWS_PER_GROUP", rows_per_group)
    table = customers_table()
    order = np.random.default_rng(1).permutation(len(table))[:rows]
    columns = ["churn_risk", "customer_id", "reasons", "last_order_at", "is_member"]
    parts = list(parquet_chunks(ServedTable(table, "customer_id"), order, columns))
    again = pq.read_table(io.BytesIO(b"".join(parts)))
    assert again.equals(table.select(columns).take(pa.array(order)))
    assert len(parts) == -(-rows // rows_per_group) + 1
