"""The candidate pool: the matrix of scores that the sources write for one request.

Only an item that some source has scored has a row. So the cost of a request does not grow with the catalogue.
"""

from typing import Final, NamedTuple

import numpy as np

from recsys.kernels.jit import jit, jit_inline

_PAGE: Final = 1024  # float32 numbers in a page of memory
_LINE: Final = 16  # and in a line of the cache


class CandidatePool(NamedTuple):
    """The buffers of one thread; every request starts with `clear`.

    `item_rows` (items,) int32 is the row of an item, or -1; `items` (items,) int32 is the item of a row; `scores`
    (columns, room) float32 is zero in rows that are not in use; `size` (1,) int64 is the number of rows in use. The
    scores are stored by column: a source writes few columns, and later steps read one column after the other. Only the
    memory of used rows is touched.
    """

    item_rows: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, item_count: int, columns: int) -> "CandidatePool":
        return cls(
            item_rows=np.full(item_count, -1, np.int32),
            items=np.empty(item_count, np.int32),
            scores=np.zeros((columns, _room(item_count)), np.float32),
            size=np.zeros(1, np.int64),
        )


def _room(item_count: int) -> int:
    """Rows of a column. If columns were whole pages, the columns of a row would evict each other from the cache."""
    return item_count + (-item_count) % _PAGE + _LINE


@jit
def clear(pool: CandidatePool) -> None:
    """Remove the rows of the last request."""
    item_rows, items = pool.item_rows, pool.items
    for slot in range(pool.size[0]):
        item_rows[items[slot]] = -1
    pool.scores[:, : pool.size[0]] = 0.0
    pool.size[0] = 0


@jit_inline
def row_in(item: int, item_rows: np.ndarray, items: np.ndarray, size: np.ndarray) -> int:
    """The row of `item`, given the arrays of a pool; an item without a row gets a new one of zeros.

    A loop over many items reads the pool's arrays once, before the loop: Numba counts a reference at each access, which
    costs more than writing a score. A branch would cost as much, so this function has none.
    """
    known, count = item_rows[item], size[0]
    slot: int = count if known < 0 else known
    item_rows[item] = slot
    items[slot] = item
    size[0] = count + (known < 0)
    return slot


@jit
def row_of(pool: CandidatePool, item: int) -> int:
    """The same for a pool, where there are few items."""
    return row_in(item, pool.item_rows, pool.items, pool.size)
