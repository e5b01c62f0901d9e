"""Rows as one Parquet file in chunks: row group by row group, so that it streams in bounded memory."""

import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from serving.answers.tables.table import ServedTable

ROWS_PER_GROUP: Final = 16_384
COMPRESSION: Final = "snappy"  # every Parquet reader supports it


def parquet_chunks(table: ServedTable, positions: np.ndarray, columns: Sequence[str]) -> Iterator[bytes]:
    """The chunks of the file, in order. Column types are kept: times stay times, lists stay lists."""
    sink = _ChunkSink()
    schema = table.schema_of(columns)
    with pq.ParquetWriter(sink, schema, compression=COMPRESSION) as writer:
        for rows in table.batches(positions, columns, ROWS_PER_GROUP):
            writer.write_table(rows.cast(schema), row_group_size=ROWS_PER_GROUP)
            yield sink.take()
    yield sink.take()


class _ChunkSink(io.RawIOBase):
    """A file that keeps only what was written since `take` was last called."""

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

    def take(self) -> bytes:
        """The bytes written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
