"""Rows as one Parquet file, written row group by row group, so that it streams in bounded memory."""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from serving.answers.tables.table import ServedTable

ROWS_PER_GROUP: Final = 16_384
COMPRESSION: Final = "snappy"  # what every reader of Parquet knows


def parquet_chunks(table: ServedTable, positions: np.ndarray, columns: Sequence[str]) -> Iterator[bytes]:
    """The parts of the file, in order. Every type stays what it is: times are times, lists are lists."""
    sink = _Passing()
    schema = table.schema_of(columns)
    with pq.ParquetWriter(sink, schema, compression=COMPRESSION) as writer:
        for rows in table.batches(positions, columns, ROWS_PER_GROUP):
            writer.write_table(rows.cast(schema), row_group_size=ROWS_PER_GROUP)
            yield sink.passed()
    yield sink.passed()


class _Passing(io.RawIOBase):
    """A file that keeps only what was written since it was last asked."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._written += len(part)
        return len(part)

    def tell(self) -> int:
        return self._written

    def passed(self) -> bytes:
        """What was written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
