"""The tables of customers and items: one row by its id, or many, filtered, sorted and paged.

A table stays memory-mapped; only the rows of an answer are ever copied. Whatever columns a bundle's table has can be
filtered and sorted by, so that a new family needs no change here.
"""

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import BundleRefused, InputError
from serving.cells import columns_as_json, rows_as_json
from serving.conditions import Condition

CACHED_ORDERS: Final = 8  # of 4 bytes per row


class TextColumn(Sequence[str]):
    """A column of text, read in place, for bisection."""

    def __init__(self, column: pa.ChunkedArray) -> None:
        # Bundles are written in one chunk; anything else is joined once.
        self._array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()

    def __len__(self) -> int:
        return len(self._array)

    def __getitem__(self, index: Any) -> Any:
        return self._array[index].as_py()


class ServedTable:
    """One table of a bundle, sorted by its key; raises BundleRefused where it is not."""

    def __init__(self, table: pa.Table, key: str) -> None:
        if key not in table.column_names:
            raise BundleRefused(f"a table lacks its key {key!r}; it has {', '.join(table.column_names)}.")
        self._table = table
        self._keys = TextColumn(table.column(key))
        self._orders: OrderedDict[Any, np.ndarray] = OrderedDict()
        self._lock = threading.Lock()
        self.key = key
        self._check_order()

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

    @property
    def schema(self) -> pa.Schema:
        return self._table.schema

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def row(self, key: str) -> dict[str, Any] | None:
        """Every column of one row, ready for JSON, or None."""
        position = self._position(key)
        return None if position is None else rows_as_json(self._table.slice(position, 1))[0]

    def rows_of(self, keys: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
        """The named columns of several rows, in the order asked; an unknown key gives nulls."""
        positions = pa.array([self._position(key) for key in keys], pa.int64())
        present = [name for name in columns if name in self._table.column_names]
        rows = rows_as_json(self._table.select(present).take(positions))
        return [dict.fromkeys(columns) | row for row in rows]

    def positions(self, conditions: tuple[Condition, ...], sort: tuple[str, ...]) -> np.ndarray:
        """The rows that meet every condition, in order, as positions; a leading '-' sorts descending.

        Ties are broken by the key, so that paging is stable; nulls come last. Takes a while on a large table.
        """
        question = (conditions, sort)
        with self._lock:
            if question in self._orders:
                self._orders.move_to_end(question)
                return self._orders[question]
        found = self._sorted(self._matching(conditions), sort)
        with self._lock:
            self._orders[question] = found
            while len(self._orders) > CACHED_ORDERS:
                self._orders.popitem(last=False)
        return found

    def cells(self, positions: np.ndarray, columns: Sequence[str]) -> dict[str, list[Any]]:
        """The named columns of these rows, ready for JSON."""
        return columns_as_json(self._table.select(list(columns)).take(pa.array(positions)))

    def checked(self, names: Sequence[str]) -> list[str]:
        """`names`, where every one of them is a column; raises InputError."""
        unknown = [name for name in names if name not in self._table.column_names]
        if unknown:
            raise InputError(f"there is no column {unknown[0][:80]!r}; there are {', '.join(self.columns)}.")
        return list(names)

    def _position(self, key: str) -> int | None:
        position = bisect_left(self._keys, key)
        return position if position < len(self._keys) and self._keys[position] == key else None

    def _matching(self, conditions: tuple[Condition, ...]) -> np.ndarray:
        mask = np.ones(len(self), bool)
        for condition in conditions:
            met = condition.mask(self._table.column(condition.column))
            mask &= pc.fill_null(met, False).to_numpy()
        return np.flatnonzero(mask).astype(np.int32)

    def _sorted(self, positions: np.ndarray, sort: tuple[str, ...]) -> np.ndarray:
        names = self.checked([name.removeprefix("-") for name in sort])
        if not names:
            return positions  # the table is sorted by its key
        keys = self._table.select(dict.fromkeys([*names, self.key])).take(pa.array(positions))
        orders = ["descending" if name.startswith("-") else "ascending" for name in sort]
        by = dict(zip(names, orders, strict=True)) | ({} if self.key in names else {self.key: "ascending"})
        try:
            order = pc.sort_indices(keys, sort_keys=list(by.items()))
        except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
            raise InputError(f"the list cannot be sorted by {', '.join(names)}; it holds lists or objects.") from None
        in_order: np.ndarray = positions[order.to_numpy()]
        return in_order

    def _check_order(self) -> None:
        keys = self._table.column(self.key)
        if keys.null_count or not pc.all(pc.less(keys[:-1], keys[1:]), min_count=0).as_py():
            raise BundleRefused(f"a table is not sorted by {self.key!r}, or has one twice; rows could not be found.")
