"""Selection: the best rows of the candidate pool's columns."""

import numpy as np

from recsys.kernels.jit import jit
from recsys.retrieval.candidate_pool import CandidatePool


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
