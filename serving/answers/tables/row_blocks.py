"""Rows of a table, block by block, in bounded memory, whatever their order and however large the table."""

import mmap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

READ_ROWS: Final = 16_384  # at once: in a sorted list, every read touches all pages of a column
MAX_MAPPED_BYTES: Final = 32 * 1024 * 1024  # of the file's pages, before they are given back


def row_blocks(
    table: pa.Table, positions: np.ndarray, columns: Sequence[str], rows: int, file: Path | None = None
) -> Iterator[pa.Table]:
    """The named columns of these rows, at most `rows` at a time.

    Where `file` is the Arrow file that holds the table, it is read through a mapping of its own, whose pages are given
    back along the way: the process grows by a few blocks, not by the table.
    """
    source = _Mapping(file) if file is not None and file.is_file() else _Held(table)
    for first in range(0, len(positions), READ_ROWS):
        taken = source.taken(pa.array(positions[first : first + READ_ROWS]), columns)
        for start in range(0, len(taken), rows):
            yield taken.slice(start, rows)
        del taken  # before the next ones are read
        pa.default_memory_pool().release_unused()


class _Held:
    """A table as it is."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def taken(self, positions: pa.Array, columns: Sequence[str]) -> pa.Table:
        return pa.table([self._table.column(name).take(positions) for name in columns], names=list(columns))


class _Mapping:
    """A table of an uncompressed Arrow file, mapped for one reader."""

    def __init__(self, file: Path) -> None:
        with file.open("rb") as opened:
            self._mapped = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        self._table = pa.ipc.open_file(pa.py_buffer(self._mapped)).read_all()

    def taken(self, positions: pa.Array, columns: Sequence[str]) -> pa.Table:
        taken, touched = [], 0
        for name in columns:
            column = self._table.column(name)
            touched += column.nbytes
            if touched > MAX_MAPPED_BYTES:
                self._give_back()
                touched = column.nbytes
            taken.append(column.take(positions))
        self._give_back()
        return pa.table(taken, names=list(columns))

    def _give_back(self) -> None:
        # What was taken is a copy. The pages stay in the system's cache.
        if hasattr(mmap, "MADV_DONTNEED"):
            self._mapped.madvise(mmap.MADV_DONTNEED)
