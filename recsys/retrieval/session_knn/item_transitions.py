"""Followers: for each item what followed and preceded it in visits, summed up once at the fit.

A live walk over the visits of a shopper's items reads memory at random; these lists say the same of the moment of the
fit and lie side by side. Each item's latest places are read, and its strongest companions are kept.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from recsys.data.sessions import VisitLog, postings_before
from recsys.kernels.jit import compiled, read_only

READ_PLACES: Final = 500  # of an item in the log, the latest
COMPANIONS: Final = 80  # that are kept of an item
WINDOW: Final = 8  # steps to each side of a place
STEP_DECAY: Final = 0.7
RECENCY_SHARE: Final = 0.1  # of all visits: how fast an old visit loses weight
_PREFIX: Final = "followers_"
_AFTER, _LATELY_AFTER, _BEFORE, _NEXT = range(4)


class Followers(NamedTuple):
    """Item i's companions: items[offsets[i] : offsets[i + 1]] int32, offsets (items + 1,) int64.

    `sums` (companions, 4) float32: how often one followed within WINDOW steps, decayed with the distance; the same of
    recent visits; how often it preceded; how often it was the very next. `seen` (items,) float32 is how often each item
    stands in the log.
    """

    offsets: np.ndarray
    items: np.ndarray
    sums: np.ndarray
    seen: np.ndarray

    @classmethod
    def of(cls, log: VisitLog, known: int) -> "Followers":
        """Of the first `known` visits."""
        count = len(log.item_offsets) - 1
        seen = np.bincount(log.items[: log.offsets[known]], minlength=count)
        room = int(np.minimum(np.minimum(seen, READ_PLACES) * 2 * (WINDOW - 1), COMPANIONS).sum())
        offsets = np.zeros(count + 1, np.int64)
        items, sums = np.empty(room, np.int32), np.empty((room, 4), np.float32)
        _fill(log, known, offsets, items, sums)
        return cls(
            *map(read_only, (offsets, items[: offsets[-1]], sums[: offsets[-1]], seen.astype(np.float32))),
        )

    def grown(self, item_count: int) -> "Followers":
        """The same over a catalogue to which items were appended, which have no companions."""
        return self._replace(seen=read_only(np.append(self.seen, np.zeros(item_count - len(self.seen), np.float32))))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"{_PREFIX}{name}": array for name, array in self._asdict().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "Followers":
        return cls(*(read_only(arrays[f"{_PREFIX}{name}"]) for name in cls._fields))


@compiled
def _fill(log: VisitLog, known: int, offsets: np.ndarray, items: np.ndarray, sums: np.ndarray) -> None:
    count = len(offsets) - 1
    slots = np.full(count, -1, np.int32)
    most = READ_PLACES * 2 * WINDOW
    found, amounts = np.empty(most, np.int32), np.empty((most, 4), np.float32)
    for item in range(count):
        size = _companions(item, log, known, slots, found, amounts)
        weights = amounts[:size, _AFTER] + amounts[:size, _BEFORE]
        least = np.float32(0)
        if size > COMPANIONS:
            least = -np.partition(-weights, COMPANIONS - 1)[COMPANIONS - 1]
        stop = offsets[item]
        for place in range(size):
            slots[found[place]] = -1
            # Of equals at the border, the first ones that were read: those of the latest visits.
            if weights[place] >= least and stop - offsets[item] < COMPANIONS:
                items[stop], sums[stop] = found[place], amounts[place]
                stop += 1
        offsets[item + 1] = stop


@compiled
def _companions(item: int, log: VisitLog, known: int, slots: np.ndarray, found: np.ndarray, amounts: np.ndarray) -> int:
    """Sum up what stands around the item's latest places; how many companions there are."""
    size = 0
    start, stop = postings_before(log, item, known)
    for posting in range(stop - 1, max(start, stop - READ_PLACES) - 1, -1):
        entry, visit = log.postings[posting], log.visits[posting]
        recency = np.exp((visit - known) / (1.0 + RECENCY_SHARE * known))
        begin, end = log.offsets[visit], log.offsets[visit + 1]
        for other in range(max(begin, entry - WINDOW + 1), min(end, entry + WINDOW)):
            if other == entry:
                continue
            companion = log.items[other]
            place = slots[companion]
            if place < 0:
                place = size
                slots[companion], found[place] = place, companion
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
