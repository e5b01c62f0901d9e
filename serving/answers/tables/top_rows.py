"""Top-k rows of a table without a full sort: the first page of a million rows."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_INTEGERS_OF_WIDTH: Final = {32: pa.int32(), 64: pa.int64()}


def can_select(kinds: Sequence[pa.DataType]) -> bool:
    """Whether `top_rows` can order these column types."""
    return all(_conversion(kind) is not None for kind in kinds)


def top_rows(table: pa.Table, key: str, positions: np.ndarray, sort: Sequence[str], count: int) -> np.ndarray:
    """The positions of the `count` rows that a sort would put first, in no order.

    `positions` ascend and `table` is sorted by `key`, so that the earlier position wins a tie. NaNs come after every
    number, and nulls last, in both sort directions.
    """
    if len(positions) <= count or not sort or not count:
        return positions[:count]
    chosen: list[np.ndarray] = []
    for rows, numbers in _groups(table, key, positions, sort[0]):
        left = count - sum(map(len, chosen))
        if not left:
            break
        if len(rows) <= left:
            chosen.append(rows)
        elif numbers is None:
            chosen.append(top_rows(table, key, rows, sort[1:], left))
        else:
            border = np.partition(numbers, left - 1)[left - 1]
            before = rows[numbers < border]
            ties = rows[numbers == border]
            chosen += [before, top_rows(table, key, ties, sort[1:], left - len(before))]
    return np.concatenate(chosen)


def _groups(table: pa.Table, key: str, positions: np.ndarray, sort: str) -> list[tuple[np.ndarray, np.ndarray | None]]:
    """The rows that have a number, with that number (least first); then the NaNs; then the nulls."""
    name = sort.removeprefix("-")
    if name == key:
        return [(positions, -positions if sort.startswith("-") else positions)]
    values = _taken(table.column(name), positions)
    is_valid = values.is_valid().to_numpy(zero_copy_only=False)
    numbers = _numbers(values.drop_null())
    if sort.startswith("-"):
        numbers = -numbers if numbers.dtype.kind == "f" else ~numbers  # ~ has no overflow
    rows, nulls = (positions[is_valid], positions[~is_valid]) if values.null_count else (positions, positions[:0])
    if numbers.dtype.kind != "f" or not (is_nan := np.isnan(numbers)).any():
        return [(rows, numbers), (nulls, None)]
    return [(rows[~is_nan], numbers[~is_nan]), (rows[is_nan], None), (nulls, None)]


def _taken(column: pa.ChunkedArray, positions: np.ndarray) -> pa.Array:
    whole = column.chunk(0) if column.num_chunks == 1 else pa.concat_arrays(column.chunks)
    return whole if len(positions) == len(whole) else whole.take(pa.array(positions))


def _numbers(values: pa.Array) -> np.ndarray:
    """Numbers in the same order as the values, which hold no null."""
    conversion = _conversion(values.type)
    assert conversion is not None
    return np.asarray(conversion(values))


def _conversion(kind: pa.DataType) -> Callable[[pa.Array], Any] | None:
    return next((convert for is_kind, convert in _CONVERSIONS if is_kind(kind)), None)


def _text_ranks(values: pa.Array) -> np.ndarray:
    """Ranks among the distinct values: a text column that is sorted by has few of them."""
    encoded = values.dictionary_encode()
    ranks = np.empty(len(encoded.dictionary), np.int32)
    ranks[pc.sort_indices(encoded.dictionary).to_numpy()] = np.arange(len(ranks), dtype=np.int32)
    return ranks[encoded.indices.to_numpy()]


_CONVERSIONS: Final[tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], Any]], ...]] = (
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind), _text_ranks),
    (lambda kind: pa.types.is_float32(kind) or pa.types.is_float64(kind), lambda values: values.to_numpy()),
    (pa.types.is_integer, lambda values: values.to_numpy()),
    (pa.types.is_boolean, lambda values: values.cast(pa.int8()).to_numpy()),
    (pa.types.is_temporal, lambda values: values.view(_INTEGERS_OF_WIDTH[values.type.bit_width]).to_numpy()),
)
