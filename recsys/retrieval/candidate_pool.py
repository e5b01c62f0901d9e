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


@jit
def selected_rows(
    pool: CandidatePool, eligible: np.ndarray, columns: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the eligible items that are among the `limits[c]` best of some column `columns[c]`; (candidates,) int64.

    The second array has, for each row, one bit for each index into `columns` whose column selected it. A score of 0 is
    never selected. Of equal scores, the row that was written first is selected.
    """
    size = pool.size[0]
    usable = np.empty(size, np.float32)
    for row in range(size):
        usable[row] = eligible[pool.items[row]]
    chosen = np.zeros(size, np.int64)
    values = np.empty(size, np.float32)
    for place in range(len(columns)):
        scores = pool.scores[columns[place]]
        for row in range(size):
            values[row] = scores[row] * usable[row]
        _select(values, limits[place], 1 << place, chosen)
    rows = np.flatnonzero(chosen)
    return rows, chosen[rows]


@jit
def _select(values: np.ndarray, limit: int, bit: int, chosen: np.ndarray) -> None:
    """Set the bit of the `limit` largest positive values; `values` (rows,) float32 are not negative."""
    ranks = values.view(np.int32)
    least = rank_threshold(values, limit)
    count = _reaching(ranks, least)
    border = least if count > limit else np.int32(0)
    for row in range(len(ranks)):
        chosen[row] |= bit if ranks[row] >= least and ranks[row] != border else 0
    if not border:
        return
    left = limit - _reaching(ranks, np.int32(border + 1))
    for row in range(len(ranks)):
        if left > 0 and ranks[row] == border:
            chosen[row] |= bit
            left -= 1


@jit
def rank_threshold(values: np.ndarray, limit: int) -> np.int32:
    """The threshold that exactly the `limit` largest positive `values`, and values equal to the last, reach.

    Compare it with values.view(np.int32): float32 numbers that are not negative have the same order as their bits. The
    threshold is found by bisection, because counting is vectorised and has no branch to mispredict.
    """
    ranks = values.view(np.int32)
    low, high = np.int32(1), np.int32(1)
    if _reaching(ranks, low) <= limit:
        return low
    high = np.int32(ranks.max() + 1)
    while high - low > 1:
        middle = np.int32(low + ((high - low) >> 1))
        count = _reaching(ranks, middle)
        if count == limit:
            return middle
        if count > limit:
            low = middle
        else:
            high = middle
    return low


@jit
def _reaching(ranks: np.ndarray, least: np.int32) -> int:
    count = np.int32(0)
    for row in range(len(ranks)):
        count = np.int32(count + np.int32(ranks[row] >= least))  # wider sums would process fewer values at once
    return int(count)


@jit
def best_rows(values: np.ndarray, limit: int) -> np.ndarray:
    """The `limit` (at least 1) rows with the largest positive values, best first; of equal values the first row."""
    rows, best = np.empty(limit, np.int64), np.zeros(limit, np.float32)
    count = 0
    for row in range(len(values)):
        if values[row] > best[limit - 1]:
            place = count if count < limit else limit - 1
            while place > 0 and best[place - 1] < values[row]:
                best[place], rows[place] = best[place - 1], rows[place - 1]
                place -= 1
            best[place], rows[place] = values[row], row
            count = min(count + 1, limit)
    return rows[:count]
