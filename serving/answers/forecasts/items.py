"""The demand forecast of one item and its recent sales, found by bisection in tables sorted by item and day."""

from bisect import bisect_left, bisect_right
from typing import Any, Final

import numpy as np
import pyarrow as pa

from contracts import columns as c
from contracts.errors import BundleRefused
from serving.answers.tables.table import TextColumn

DEMAND: Final = "demand"  # the family
OLDER_FORECAST: Final = tuple(name for name in c.FORECAST.names if name != c.UNITS_MEAN)
DECIMALS: Final = 4
_UNITS: Final = {"low": c.UNITS_LOW, "median": c.UNITS_MEDIAN, "high": c.UNITS_HIGH, "mean": c.UNITS_MEAN}


class Forecasts:
    """The forecasts and, if the bundle has them, the recent sales; memory-mapped.

    `table` has `columns.FORECAST`, in older bundles without the mean; `history` has `columns.DEMAND_HISTORY`. Raises
    BundleRefused if a column is missing.
    """

    def __init__(self, table: pa.Table, history: pa.Table | None = None) -> None:
        wanted = c.FORECAST.names if c.UNITS_MEAN in table.column_names else list(OLDER_FORECAST)
        self._forecast = _ByItem("forecast", table, wanted)
        self._history = _ByItem("history", history, c.DEMAND_HISTORY.names) if history is not None else None

    def days(self, item_id: str) -> list[dict[str, Any]]:
        """One row per period of the horizon: date, low, median, high and mean; empty for an unknown item.

        The mean is None in older bundles.
        """
        return days_of(self._forecast.rows(item_id))

    def history(self, item_id: str) -> list[dict[str, Any]]:
        """One row per recent period: date and units; None if demand was not observed, for example out of stock."""
        rows = self._history.rows(item_id).to_pylist() if self._history is not None else []
        return [
            {"date": row[c.DATE], "units": round(row[c.UNITS], DECIMALS) if row[c.IS_OBSERVED] else None}
            for row in rows
        ]


def units_of(table: pa.Table) -> list[dict[str, float | None]]:
    """Low, median, high and mean of each row; None if the table lacks the column."""
    nothing = [None] * table.num_rows
    cells = [_rounded(table[column]) if column in table.column_names else nothing for column in _UNITS.values()]
    return [dict(zip(_UNITS, row, strict=True)) for row in zip(*cells, strict=True)]


def days_of(table: pa.Table) -> list[dict[str, Any]]:
    """The same, with the date of each row."""
    return [{"date": day, **units} for day, units in zip(table[c.DATE].to_pylist(), units_of(table), strict=True)]


def _rounded(column: pa.ChunkedArray) -> list[float]:
    return np.round(column.to_numpy().astype(np.float64), DECIMALS).tolist()


class _ByItem:
    """A table sorted by item."""

    def __init__(self, name: str, table: pa.Table, columns: list[str]) -> None:
        missing = set(columns) - set(table.column_names)
        if missing:
            raise BundleRefused(f"the {name} lacks the columns {sorted(missing)}.")
        self._table = table.select(columns)
        self._items = TextColumn(table.column(c.ITEM_ID))

    def rows(self, item_id: str) -> pa.Table:
        start, end = bisect_left(self._items, item_id), bisect_right(self._items, item_id)
        return self._table.slice(start, end - start)
