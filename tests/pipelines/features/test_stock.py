"""The latest stock that the shop reported."""

from datetime import datetime
from typing import Any

import ibis
import pyarrow as pa

from contracts import columns as c
from pipelines.features.stock import reported_stock
from tests.worlds import day


def stock_at(as_of: datetime, *rows: tuple[str, float | None, float]) -> dict[str, Any]:
    table = [
        dict.fromkeys(c.CATALOGUE.names) | {c.ITEM_ID: item, c.STOCK: stock, c.UPDATED_AT: day(at)}
        for item, stock, at in rows
    ]
    catalogue = ibis.memtable(pa.Table.from_pylist(table, schema=c.CATALOGUE))
    return {row[c.ITEM_ID]: row[c.STOCK] for row in reported_stock(catalogue, as_of).to_pyarrow().to_pylist()}


def test_stock_counts_once_it_was_reported() -> None:
    rows = [("tea", 0.0, 3.0), ("jam", 7.0, 3.0), ("cake", None, 3.0)]
    assert stock_at(day(4), *rows) == {"tea": 0, "jam": 7}
    assert stock_at(day(3), *rows) == {}
