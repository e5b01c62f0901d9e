"""The demand forecast of one item, found by bisection in a table sorted by item and day."""

from bisect import bisect_left, bisect_right
from typing import Any

import pyarrow as pa

from contracts import columns as c
from contracts.errors import BundleRefused
from serving.tables import TextColumn


class Forecasts:
    """`columns.FORECAST`, memory-mapped; raises BundleRefused where a column is missing."""

    def __init__(self, table: pa.Table) -> None:
        missing = set(c.FORECAST.names) - set(table.column_names)
        if missing:
            raise BundleRefused(f"the forecast lacks the columns {sorted(missing)}.")
        self._table = table.select(c.FORECAST.names)
        self._items = TextColumn(table.column(c.ITEM_ID))

    def days(self, item_id: str) -> list[dict[str, Any]]:
        """One row per day of the horizon: date, low, median, high; empty for an unknown item."""
        start, end = bisect_left(self._items, item_id), bisect_right(self._items, item_id)
        rows = self._table.slice(start, end - start).to_pylist()
        return [
            {
                "date": row[c.DATE],
                "low": round(row[c.UNITS_LOW], 4),
                "median": round(row[c.UNITS_MEDIAN], 4),
                "high": round(row[c.UNITS_HIGH], 4),
            }
            for row in rows
        ]
