"""The tables of customers and items: one row by its id, or many, filtered, sorted and paged.

A table stays memory-mapped; only the rows of an answer are ever copied. Whatever columns a bundle's table has can be
filtered and sorted by, so that a new family needs no change here.
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
from serving.answers.tables.filters import Condition
from serving.answers.tables.json_cells import columns_as_json, rows_as_json
from serving.answers.tables.row_blocks import row_blocks
from serving.answers.tables.top_rows import can_choose, first_rows

CACHED_ORDERS: Final = 8  # of 4 bytes per row
CACHED_HEADS: Final = 64
HEAD_ROWS: Final = 2_000  # a page, and the next ones

Value = TypeVar("Value")


class Found(NamedTuple):
    """Rows that meet the conditions, in order, as positions; and how many there are in all."""

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
    """One table of a bundle, sorted by its key; raises BundleRefused where it is not.

    `file` is the Arrow file behind it, where there is one: long lists are read from it.
    """

    def __init__(self, table: pa.Table, key: str, file: Path | None = None) -> None:
        if key not in table.column_names:
            raise BundleRefused(f"a table lacks its key {key!r}; it has {', '.join(table.column_names)}.")
        self._table = table
        self._keys = TextColumn(table.column(key))
        self._file = file
        self._orders: _Recent[np.ndarray] = _Recent(CACHED_ORDERS)
        self._heads: _Recent[Found] = _Recent(CACHED_HEADS)
        self.key = key
        self._check_order()
        # What is loaded at the first question is so before it is asked: Arrow's first array brings in pandas.
        self.keys_at(np.zeros(0, np.int32))

    @property
    def columns(self) -> list[str]:
        return list(self._table.column_names)

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

    def rows_of(self, keys: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
        """The named columns of several rows, in the order asked; an unknown key gives nulls."""
        positions = pa.array([self._position(key) for key in keys], pa.int64())
        present = [name for name in columns if name in self._table.column_names]
        rows = rows_as_json(self._table.select(present).take(positions))
        return [dict.fromkeys(columns) | row for row in rows]

    def found(self, conditions: tuple[Condition, ...], sort: tuple[str, ...], rows: int | None = None) -> Found:
        """The first `rows` that meet every condition, or all of them; a leading '-' sorts descending.

        Ties are broken by the key, so that paging is stable; nulls come last. The first HEAD_ROWS are chosen without
        sorting the others; further ones take a while on a large table.
        """
        question = (conditions, sort)
        order = self._orders.get(question)
        if order is None and rows is not None and rows <= HEAD_ROWS:
            head = self._heads.get(question) or self._heads.put(question, self._head(conditions, sort))
            return Found(head.positions[:rows], head.total)
        if order is None:
            order = self._orders.put(question, self._sorted(self._matching(conditions), sort))
        return Found(order[:rows], len(order))

    def count(self, conditions: tuple[Condition, ...]) -> int:
        """How many rows meet every condition."""
        return int(np.count_nonzero(self._mask(conditions)))

    def blocks(self, positions: np.ndarray, columns: Sequence[str], rows: int) -> Iterator[pa.Table]:
        """The named columns of these rows, at most `rows` at a time, in bounded memory."""
        return row_blocks(self._table, positions, columns, rows, self._file)

    def keys_at(self, positions: np.ndarray) -> pa.ChunkedArray:
        """The keys of these rows."""
        return self._table.column(self.key).take(pa.array(positions))

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

    def _mask(self, conditions: tuple[Condition, ...]) -> np.ndarray:
        mask = np.ones(len(self), bool)
        for condition in conditions:
            if not condition.reads_text:
                mask &= _met(condition, self._table.column(condition.column))
        for condition in conditions:
            if condition.reads_text:  # slow: only where the others hold
                mask[mask] = _met(condition, self._table.column(condition.column).filter(pa.array(mask)))
        return mask

    def _matching(self, conditions: tuple[Condition, ...]) -> np.ndarray:
        return np.flatnonzero(self._mask(conditions)).astype(np.int32)

    def _head(self, conditions: tuple[Condition, ...], sort: tuple[str, ...]) -> Found:
        matching = self._matching(conditions)
        kinds = [self.schema.field(name).type for name in self._names(sort)]
        if not can_choose(kinds):
            return Found(self._sorted(matching, sort)[:HEAD_ROWS], len(matching))
        chosen = first_rows(self._table, self.key, matching, sort, HEAD_ROWS)
        return Found(self._sorted(np.sort(chosen), sort), len(matching))

    def _names(self, sort: tuple[str, ...]) -> list[str]:
        return self.checked([name.removeprefix("-") for name in sort])

    def _sorted(self, positions: np.ndarray, sort: tuple[str, ...]) -> np.ndarray:
        """Ascending positions, in the order asked for."""
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
        in_order: np.ndarray = positions[order.to_numpy()]
        return in_order

    def _check_order(self) -> None:
        keys = self._table.column(self.key)
        if keys.null_count or not pc.all(pc.less(keys[:-1], keys[1:]), min_count=0).as_py():
            raise BundleRefused(f"a table is not sorted by {self.key!r}, or has one twice; rows could not be found.")


def _met(condition: Condition, column: pa.ChunkedArray) -> np.ndarray:
    met: np.ndarray = pc.fill_null(condition.mask(column), False).to_numpy()
    return met


class _Recent(Generic[Value]):
    """The values that were asked for last."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._values: OrderedDict[Any, Value] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, question: Any) -> Value | None:
        with self._lock:
            if question in self._values:
                self._values.move_to_end(question)
            return self._values.get(question)

    def put(self, question: Any, value: Value) -> Value:
        with self._lock:
            self._values[question] = value
            while len(self._values) > self._capacity:
                self._values.popitem(last=False)
        return value
