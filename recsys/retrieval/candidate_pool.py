"""The board: where the candidate sources write what they think of the items, for one shopper at a time.

Only the items that some source has touched have a row, so that a request costs what it touches and not the size of the
catalogue.
"""

from typing import Final, NamedTuple

import numpy as np

from recsys.kernels.jit import compiled, inlined

_PAGE: Final = 1024  # float32 numbers in a page of memory
_LINE: Final = 16  # and in a line of the cache


class Board(NamedTuple):
    """Scratch of one thread; every request starts with `clear`.

    `slots` (items,) int32 is an item's row or -1; `items` (items,) int32 is a row's item; `scores` (columns, room)
    float32, zero in rows that are not in use; `size` (1,) int64 is the number of rows in use. A column lies together:
    a source writes few of them, and what is done with them all goes through one after the other. Memory is only touched
    as far as rows are used.
    """

    slots: np.ndarray
    items: np.ndarray
    scores: np.ndarray
    size: np.ndarray

    @classmethod
    def of(cls, item_count: int, columns: int) -> "Board":
        return cls(
            slots=np.full(item_count, -1, np.int32),
            items=np.empty(item_count, np.int32),
            scores=np.zeros((columns, _room(item_count)), np.float32),
            size=np.zeros(1, np.int64),
        )


def _room(item_count: int) -> int:
    """Rows of a column; were it whole pages of memory, a row's columns would drive each other out of the cache."""
    return item_count + (-item_count) % _PAGE + _LINE


@compiled
def clear(board: Board) -> None:
    """Forget the last shopper."""
    slots, items = board.slots, board.items
    for slot in range(board.size[0]):
        slots[items[slot]] = -1
    board.scores[:, : board.size[0]] = 0.0
    board.size[0] = 0


@inlined
def slot_in(item: int, slots: np.ndarray, items: np.ndarray, size: np.ndarray) -> int:
    """The row of `item`, a new one of zeros where it has none yet; of a board's parts.

    A loop over many items takes the board apart once: each look into it counts a reference, which costs more than the
    score that is written. So does a branch in a function that is compiled into the loop, hence there is none.
    """
    known, count = slots[item], size[0]
    slot: int = count if known < 0 else known
    slots[item] = slot
    items[slot] = item
    size[0] = count + (known < 0)
    return slot


@compiled
def slot_of(board: Board, item: int) -> int:
    """The same of a board, for a few items."""
    return slot_in(item, board.slots, board.items, board.size)


@compiled
def nominated(
    board: Board, eligible: np.ndarray, columns: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the eligible items that are among the `limits[c]` best of some column `columns[c]`; (candidates,) int64.

    With them, for each, a bit per place in `columns` that nominated it. An item that a column gives 0 is not among its
    best; equal scores go to the row that was written first.
    """
    size = board.size[0]
    usable = np.empty(size, np.float32)
    for row in range(size):
        usable[row] = eligible[board.items[row]]
    chosen = np.zeros(size, np.int64)
    values = np.empty(size, np.float32)
    for place in range(len(columns)):
        scores = board.scores[columns[place]]
        for row in range(size):
            values[row] = scores[row] * usable[row]
        _choose(values, limits[place], 1 << place, chosen)
    rows = np.flatnonzero(chosen)
    return rows, chosen[rows]


@compiled
def _choose(values: np.ndarray, limit: int, bit: int, chosen: np.ndarray) -> None:
    """Set the bit of the `limit` largest of the values (rows,), which are not negative, as far as they are positive."""
    ranks = values.view(np.int32)
    least = least_rank(values, limit)
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


@compiled
def least_rank(values: np.ndarray, limit: int) -> np.int32:
    """Reached by the `limit` largest positive `values` and by those that equal the last of them, and by no other.

    It is compared with values.view(np.int32), as which float32 numbers that are not negative are in the same order: by
    bisection, for a processor counts several at once and has no branch to guess.
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


@compiled
def _reaching(ranks: np.ndarray, least: np.int32) -> int:
    count = np.int32(0)
    for row in range(len(ranks)):
        count = np.int32(count + np.int32(ranks[row] >= least))  # wider sums would take fewer at once
    return int(count)


@compiled
def best_rows(values: np.ndarray, limit: int) -> np.ndarray:
    """The `limit` (at least 1) rows with the largest positive values, best first; of equals the first."""
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
