"""The tables of customers and items: one row by its id, or many, filtered, sorted and paged.

A table stays memory-mapped; only the rows of an answer are copied. All columns of a bundle's table can be filtered
and sorted by, so that a new family needs no change here.
"""

import threading
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.errors import BundleRefused, InputError
from serving.answers.tables.batches import read_batches
from serving.answers.tables.filters import Filter, require_known
from serving.answers.tables.json_cells import rows_as_json
from serving.answers.tables.top_rows import can_select, top_rows

CACHED_ORDERS: Final = 8  # of 4 bytes per row
CACHED_HEADS: Final = 64
HEAD_ROWS: Final = 2_000  # a page, and the next ones

Value = TypeVar("Value")


class Found(NamedTuple):
    """The positions of the rows that pass the filters, in order; and how many pass in all."""

    positions: np.ndarray
    total: int


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
    """One table of a bundle; raises BundleRefused if it is not sorted by its key.

    `file` is its Arrow file, if there is one: long lists are read from it.
    """

    def __init__(self, table: pa.Table, key: str, file: Path | None = None) -> None:
        if key not in table.column_names:
            raise BundleRefused(f"a table lacks its key {key!r}; it has {', '.join(table.column_names)}.")
        self._table = table
        self._keys = TextColumn(table.column(key))
        self._file = file
        self._orders: _LruCache[np.ndarray] = _LruCache(CACHED_ORDERS)
        self._heads: _LruCache[Found] = _LruCache(CACHED_HEADS)
        self.key = key
        self._check_order()
        # Arrow's first array imports pandas; do this before the first request.
        self.keys_at(np.zeros(0, np.int32))

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

    @property
    def keys(self) -> Sequence[str]:
        """The keys of all rows, sorted."""
        return self._keys

    @property
    def schema(self) -> pa.Schema:
        return self._table.schema

    def schema_of(self, columns: Sequence[str]) -> pa.Schema:
        """The types of the named columns, in that order."""
        return pa.schema([self.schema.field(name) for name in columns])

    def __len__(self) -> int:
        return int(self._table.num_rows)

    def row(self, key: str) -> dict[str, Any] | None:
        """Every column of one row, ready for JSON, or None."""
        position = self._position(key)
        return None if position is None else rows_as_json(self._table.slice(position, 1))[0]

    def find(self, filters: tuple[Filter, ...], sort: tuple[str, ...], rows: int | None = None) -> Found:
        """The first `rows` that pass every filter, or all of them; a leading '-' sorts descending.

        Ties are broken by the key, so that paging is stable; nulls come last. The first HEAD_ROWS are selected without
        sorting the others; later pages are slow on a large table.
        """
        query = (filters, sort)
        order = self._orders.get(query)
        if order is None and rows is not None and rows <= HEAD_ROWS:
            head = self._heads.get(query) or self._heads.put(query, self._head(filters, sort))
            return Found(head.positions[:rows], head.total)
        if order is None:
            order = self._orders.put(query, self._sorted(self._matching(filters), sort))
        return Found(order[:rows], len(order))

    def count(self, filters: tuple[Filter, ...]) -> int:
        """How many rows pass every filter."""
        return int(np.count_nonzero(self._mask(filters)))

    def batches(self, positions: np.ndarray, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """The named columns of these rows, at most `rows` at a time, in bounded memory."""
        return read_batches(self._table, positions, columns, rows, self._file)

    def keys_at(self, positions: np.ndarray) -> pa.ChunkedArray:
        """The keys of these rows."""
        return self._table.column(self.key).take(pa.array(positions))

    def rows_at(self, positions: np.ndarray, columns: Sequence[str]) -> list[dict[str, Any]]:
        """The named columns of these rows, ready for JSON."""
        return rows_as_json(self._table.select(list(columns)).take(pa.array(positions)))

    def require_known(self, condition: Filter) -> None:
        """Raise InputError where a column of few texts is compared with one that it cannot have."""
        if condition.column != self.key:
            require_known(condition, self._table.column(condition.column))

    def checked(self, names: Sequence[str]) -> list[str]:
        """`names`; raises InputError if one of them is not a column."""
        unknown = [name for name in names if name not in self._table.column_names]
        if unknown:
            raise InputError(f"there is no column {unknown[0][:80]!r}; there are {', '.join(self.columns)}.")
        return list(names)

    def _position(self, key: str) -> int | None:
        position = bisect_left(self._keys, key)
        return position if position < len(self._keys) and self._keys[position] == key else None

    def _mask(self, filters: tuple[Filter, ...]) -> np.ndarray:
        mask = np.ones(len(self), bool)
        for row_filter in filters:
            if not row_filter.reads_text:
                mask &= _passes(row_filter, self._table.column(row_filter.column))
        for row_filter in filters:
            if row_filter.reads_text:  # slow: only where the others hold
                mask[mask] = _passes(row_filter, self._table.column(row_filter.column).filter(pa.array(mask)))
        return mask

    def _matching(self, filters: tuple[Filter, ...]) -> np.ndarray:
        return np.flatnonzero(self._mask(filters)).astype(np.int32)

    def _head(self, filters: tuple[Filter, ...], sort: tuple[str, ...]) -> Found:
        matching = self._matching(filters)
        kinds = [self.schema.field(name).type for name in self._names(sort)]
        if not can_select(kinds):
            return Found(self._sorted(matching, sort)[:HEAD_ROWS], len(matching))
        chosen = top_rows(self._table, self.key, matching, sort, HEAD_ROWS)
        return Found(self._sorted(np.sort(chosen), sort), len(matching))

    def _names(self, sort: tuple[str, ...]) -> list[str]:
        return self.checked([name.removeprefix("-") for name in sort])

    def _sorted(self, positions: np.ndarray, sort: tuple[str, ...]) -> np.ndarray:
        """Ascending positions, sorted."""
        names = self._names(sort)
        if not names:
            return positions  # the table is sorted by its key
        orders = ["descending" if name.startswith("-") else "ascending" for name in sort]
        keys = {
            str(place): pa.array(positions) if name == self.key else self._table.column(name).take(pa.array(positions))
            for place, name in enumerate([*names, self.key])  # of two keys the earlier has the earlier position
        }
        by = list(zip(keys, [*orders, "ascending"], strict=True))
        try:
            order = pc.sort_indices(pa.table(keys), sort_keys=by)
        except (pa.ArrowNotImplementedError, pa.ArrowTypeError):
            raise InputError(f"the list cannot be sorted by {', '.join(names)}; it holds lists or objects.") from None
        return positions[order.to_numpy()]

    def _check_order(self) -> None:
        keys = self._table.column(self.key)
        if keys.null_count or not pc.all(pc.less(keys[:-1], keys[1:]), min_count=0).as_py():
            raise BundleRefused(f"a table is not sorted by {self.key!r}, or has one twice; rows could not be found.")


def _passes(row_filter: Filter, column: pa.ChunkedArray) -> np.ndarray:
    return pc.fill_null(row_filter.mask(column), False).to_numpy()


class _LruCache(Generic[Value]):
    """The values that were used last (LRU cache)."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Any, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Value | None:
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
            return self._values.get(key)

    def put(self, key: Any, value: Value) -> Value:
        with self._lock:
            self._values[key] = value
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)
        return value
