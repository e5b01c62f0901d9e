"""The board: where the candidate sources write what they think of the items, for one shopper at a time.

Only the items that some source has touched have a row, so that a request costs what it touches and not the size of the
catalogue.
"""

from typing import NamedTuple

import numpy as np

from recsys.compiled import compiled, inlined


class Board(NamedTuple):
    """Scratch of one thread; every request starts with `clear`.

    `slots` (items,) int32 is an item's row or -1; `items` (items,) int32 is a row's item; `scores` (items, columns)
    float32; `size` (1,) int64 is the number of rows in use. Memory is only touched as far as rows are used.
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
            scores=np.empty((item_count, columns), np.float32),
            size=np.zeros(1, np.int64),
        )


@compiled
def clear(board: Board) -> None:
    """Forget the last shopper."""
    slots, items = board.slots, board.items
    for slot in range(board.size[0]):
        slots[items[slot]] = -1
    board.size[0] = 0


@inlined
def slot_in(item: int, slots: np.ndarray, items: np.ndarray, scores: np.ndarray, size: np.ndarray) -> int:
    """The row of `item`, a new one of zeros where it has none yet; of a board's parts.

    A loop over many items takes the board apart once: each look into it counts a reference, which costs more than the
    score that is written. For the same reason it writes `scores[row, column]` and makes no view of a row.
    """
    slot: int = slots[item]
    if slot < 0:
        slot = size[0]
        slots[item] = slot
        items[slot] = item
        for column in range(scores.shape[1]):
            scores[slot, column] = 0.0
        size[0] = slot + 1
    return slot


@compiled
def slot_of(board: Board, item: int) -> int:
    """The same of a board, for a few items."""
    return slot_in(item, board.slots, board.items, board.scores, board.size)


@compiled
def nominated(
    board: Board, eligible: np.ndarray, columns: np.ndarray, limits: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the eligible items that are among the `limits[c]` best of some column `columns[c]`; (candidates,) int64.

    With them, for each, a bit per place in `columns` that nominated it. An item that a column gives 0 is not among its
    best; equal scores go to the row that was written first.
    """
    best = np.empty((len(columns), max(limits.max(), 1)), np.int64)
    values = np.empty(best.shape, np.float32)
    counts = np.zeros(len(columns), np.int64)
    least = np.where(limits > 0, np.float32(0), np.float32(np.inf)).astype(np.float32)
    items, scores = board.items, board.scores
    # Row by row, since a row lies together in memory; nearly every score is turned away by one comparison.
    for slot in range(board.size[0]):
        if not eligible[items[slot]]:
            continue
        for place in range(len(columns)):
            value = scores[slot, columns[place]]
            if value > least[place]:
                counts[place] = _inserted_at(place, best, values, counts[place], limits[place], slot, value)
                if counts[place] == limits[place]:
                    least[place] = values[place, limits[place] - 1]
    chosen = np.zeros(board.size[0], np.int64)
    for place in range(len(columns)):
        for row in best[place, : counts[place]]:
            chosen[row] |= 1 << place
    rows = np.flatnonzero(chosen)
    return rows, chosen[rows]


@compiled
def best_rows(scores: np.ndarray, usable: np.ndarray, column: int, limit: int) -> np.ndarray:
    """The `limit` (at least 1) of the `usable` rows with the largest positive scores of a column, best first."""
    rows, values = np.empty(limit, np.int64), np.empty(limit, np.float32)
    count = 0
    least = np.float32(0)
    for row in usable:
        if scores[row, column] > least:
            count = _inserted(rows, values, count, limit, row, scores[row, column])
            if count == limit:
                least = values[limit - 1]
    return rows[:count]


@inlined
def _inserted_at(
    list_: int, rows: np.ndarray, values: np.ndarray, count: int, limit: int, row: int, value: float
) -> int:
    """The same of one of several lists (lists, rows)."""
    place = min(count, limit - 1)
    while place > 0 and values[list_, place - 1] < value:
        values[list_, place], rows[list_, place] = values[list_, place - 1], rows[list_, place - 1]
        place -= 1
    values[list_, place], rows[list_, place] = value, row
    return min(count + 1, limit)


@compiled
def _inserted(rows: np.ndarray, values: np.ndarray, count: int, limit: int, row: int, value: float) -> int:
    """Put a row into a list of `count` rows sorted by value, largest first, behind its equals; the new count."""
    place = min(count, limit - 1)
    while place > 0 and values[place - 1] < value:
        values[place], rows[place] = values[place - 1], rows[place - 1]
        place -= 1
    values[place], rows[place] = value, row
    return min(count + 1, limit)
