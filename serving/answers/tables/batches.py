"""Rows of a table in batches and in bounded memory, in any order and from a table of any size."""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

READ_ROWS: Final = 16_384  # at once: in a sorted list, every read touches all pages of a column
MAX_MAPPED_BYTES: Final = 32 * 1024 * 1024  # of the file's pages, before they are released


def read_batches(
    table: pa.Table, positions: np.ndarray, columns: Sequence[str], rows: int, file: Path | None = None
) -> Iterator[pa.Table]:
    """The named columns of these rows, at most `rows` at a time.

    If `file` is the table's Arrow file, the rows are read through a separate memory mapping whose pages are released
    on the way: the process grows by a few batches, not by the table.
    """
    source = _MappedFile(file) if file is not None and file.is_file() else _InMemory(table)
    for first in range(0, len(positions), READ_ROWS):
        rows_read = source.take(pa.array(positions[first : first + READ_ROWS]), columns)
        for start in range(0, len(rows_read), rows):
            yield rows_read.slice(start, rows)
        del rows_read  # before the next ones are read
        pa.default_memory_pool().release_unused()


class _InMemory:
    """A table that is held."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def take(self, positions: pa.Array, columns: Sequence[str]) -> pa.Table:
        return pa.table([self._table.column(name).take(positions) for name in columns], names=list(columns))


class _MappedFile:
    """A table in an uncompressed Arrow file, mapped for one reader."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self._table = pa.ipc.open_file(pa.py_buffer(self._mapped)).read_all()

    def take(self, positions: pa.Array, columns: Sequence[str]) -> pa.Table:
        columns_read, touched = [], 0
        for name in columns:
            column = self._table.column(name)
            touched += column.nbytes
            if touched > MAX_MAPPED_BYTES:
                self._release()
                touched = column.nbytes
            columns_read.append(column.take(positions))
        self._release()
        return pa.table(columns_read, names=list(columns))

    def _release(self) -> None:
        # The rows read are copies. The pages stay in the system's cache.
        if hasattr(mmap, "MADV_DONTNEED"):
            self._mapped.madvise(mmap.MADV_DONTNEED)
