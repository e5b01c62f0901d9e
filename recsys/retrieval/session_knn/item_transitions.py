"""Item-to-item transitions: for each item the items before and after it in sessions, counted once at the fit.

Reading the sessions of a user's items during a request would access memory at random; these lists hold the counts of
each item side by side. The latest occurrences of each item are counted, and its strongest neighbours are kept.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from recsys.data.sessions import SessionLog, postings_before
from recsys.kernels.jit import jit, read_only

READ_OCCURRENCES: Final = 500  # occurrences of an item that are counted, the latest
NEIGHBOURS: Final = 80  # per item
WINDOW: Final = 8  # neighbours are fewer than this many steps away
STEP_DECAY: Final = 0.7
RECENCY_SHARE: Final = 0.1  # of all sessions: the time constant of the decay
_PREFIX: Final = "item_transitions_"
_AFTER, _LATELY_AFTER, _BEFORE, _NEXT = range(4)


class ItemTransitions(NamedTuple):
    """The neighbours of item i: items[offsets[i] : offsets[i + 1]] int32; offsets (items + 1,) int64.

    `sums` (neighbours, 4) float32: how often the neighbour came after the item within WINDOW steps, decayed with the
    distance; the same for recent sessions; how often it came before; how often it was the very next. `seen` (items,)
    float32 is how often each item occurs in the log.
    """

    offsets: np.ndarray
    items: np.ndarray
    sums: np.ndarray
    seen: np.ndarray

    @classmethod
    def of(cls, log: SessionLog, known: int) -> "ItemTransitions":
        """Counted over the first `known` sessions."""
        count = len(log.item_offsets) - 1
        seen = np.bincount(log.items[: log.offsets[known]], minlength=count)
        room = int(np.minimum(np.minimum(seen, READ_OCCURRENCES) * 2 * (WINDOW - 1), NEIGHBOURS).sum())
        offsets = np.zeros(count + 1, np.int64)
        items, sums = np.empty(room, np.int32), np.empty((room, 4), np.float32)
        _fill(log, known, offsets, items, sums)
        return cls(
            *map(read_only, (offsets, items[: offsets[-1]], sums[: offsets[-1]], seen.astype(np.float32))),
        )

    def resized(self, item_count: int) -> "ItemTransitions":
        """The same for a catalogue with appended items, which have no neighbours."""
        return self._replace(seen=read_only(np.append(self.seen, np.zeros(item_count - len(self.seen), np.float32))))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"{_PREFIX}{name}": array for name, array in self._asdict().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "ItemTransitions":
        return cls(*(read_only(arrays[f"{_PREFIX}{name}"]) for name in cls._fields))


@jit
def _fill(log: SessionLog, known: int, offsets: np.ndarray, items: np.ndarray, sums: np.ndarray) -> None:
    count = len(offsets) - 1
    item_rows = np.full(count, -1, np.int32)
    most = READ_OCCURRENCES * 2 * WINDOW
    found, amounts = np.empty(most, np.int32), np.empty((most, 4), np.float32)
    for item in range(count):
        size = _neighbours(item, log, known, item_rows, found, amounts)
        weights = amounts[:size, _AFTER] + amounts[:size, _BEFORE]
        least = np.float32(0)
        if size > NEIGHBOURS:
            least = -np.partition(-weights, NEIGHBOURS - 1)[NEIGHBOURS - 1]
        stop = offsets[item]
        for place in range(size):
            item_rows[found[place]] = -1
            # Of equal weights at the limit, the first ones read: those of the latest sessions.
            if weights[place] >= least and stop - offsets[item] < NEIGHBOURS:
                items[stop], sums[stop] = found[place], amounts[place]
                stop += 1
        offsets[item + 1] = stop


@jit
def _neighbours(
    item: int, log: SessionLog, known: int, item_rows: np.ndarray, found: np.ndarray, amounts: np.ndarray
) -> int:
    """Sum the counts of the items around the latest occurrences of `item`; returns the number of neighbours."""
    size = 0
    start, stop = postings_before(log, item, known)
    for posting in range(stop - 1, max(start, stop - READ_OCCURRENCES) - 1, -1):
        entry, session = log.postings[posting], log.sessions[posting]
        recency = np.exp((session - known) / (1.0 + RECENCY_SHARE * known))
        begin, end = log.offsets[session], log.offsets[session + 1]
        for other in range(max(begin, entry - WINDOW + 1), min(end, entry + WINDOW)):
            if other == entry:
                continue
            neighbour = log.items[other]
            place = item_rows[neighbour]
            if place < 0:
                place = size
                item_rows[neighbour], found[place] = place, neighbour
                amounts[place] = 0.0
                size += 1
            if other < entry:
                amounts[place, _BEFORE] += STEP_DECAY ** (entry - other - 1)
            else:
                decay = STEP_DECAY ** (other - entry - 1)
                amounts[place, _AFTER] += decay
                amounts[place, _LATELY_AFTER] += recency * decay
                amounts[place, _NEXT] += other == entry + 1
    return size
