"""The session log: all sessions in the order in which they ended, and for each item the sessions that hold it.

The log can be read as of any time: a reader looks only at the sessions that had ended by then. So training and serving
see the same numbers, and nothing has to be fitted again for each time.
"""

from typing import Any, Final, NamedTuple

import numpy as np

from recsys.data.interactions import Interactions
from recsys.kernels.jit import jit, read_only

SESSION_GAP_SECONDS: Final = 3600  # a longer pause ends a session
_PREFIX: Final = "session_log_"


class SessionLog(NamedTuple):
    """Sessions, oldest end first.

    `ends` (sessions,) int64, seconds since 1970 UTC; `offsets` (sessions + 1,) int64: the entries of session v lie at
    offsets[v] : offsets[v + 1]; `items` (entries,) int32, in the order of the session; `kinds` (entries,) uint8;
    `customers` (sessions,) int32. The entries that hold item i, oldest first, are
    postings[item_offsets[i] : item_offsets[i + 1]], int32 (entries,) and int64 (items + 1,). `sessions` (entries,)
    int32 are the sessions of these postings, in the same order.
    """

    ends: np.ndarray
    offsets: np.ndarray
    items: np.ndarray
    kinds: np.ndarray
    customers: np.ndarray
    sessions: np.ndarray
    item_offsets: np.ndarray
    postings: np.ndarray

    @classmethod
    def of(cls, interactions: Interactions) -> "SessionLog":
        starts = session_starts(interactions)
        stops = np.append(starts[1:], len(interactions))[: len(starts)]
        ends = interactions.times[stops - 1] if len(starts) else interactions.times[:0]
        order = np.argsort(ends, kind="stable")
        lengths = (stops - starts)[order]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        entries = np.arange(len(interactions)) - np.repeat(offsets[:-1] - starts[order], lengths)
        items = interactions.items[entries]
        counts = np.bincount(items, minlength=interactions.item_count)
        postings = np.argsort(items, kind="stable").astype(np.int32)
        log = cls(
            ends=ends[order],
            offsets=offsets,
            items=items,
            kinds=interactions.kinds[entries],
            customers=interactions.rows[starts[order]].astype(np.int32),
            sessions=np.repeat(np.arange(len(order), dtype=np.int32), lengths)[postings],
            item_offsets=np.concatenate([[0], np.cumsum(counts)]),
            postings=postings,
        )
        return cls(*map(read_only, log))

    def cutoff(self, moment: int) -> int:
        """How many sessions had ended before `moment`."""
        return int(np.searchsorted(self.ends, moment, side="left"))

    def resized(self, item_count: int) -> "SessionLog":
        """The same log over a catalogue to which items were appended."""
        added = item_count + 1 - len(self.item_offsets)
        more = np.append(self.item_offsets, np.full(added, self.item_offsets[-1]))
        return self._replace(item_offsets=read_only(more))

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"{_PREFIX}{name}": array for name, array in self._asdict().items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> "SessionLog":
        return cls(*(read_only(arrays[f"{_PREFIX}{name}"]) for name in cls._fields))


@jit
def first_at_or_after(log: SessionLog, start: int, stop: int, session: int) -> int:
    """The first of the postings start : stop whose session is not before `session`, else `stop`."""
    if session >= len(log.ends):
        return stop  # in serving, the cutoff is always the end of the log
    while start < stop:
        middle = (start + stop) >> 1
        if log.sessions[middle] < session:
            start = middle + 1
        else:
            stop = middle
    return start


@jit
def postings_before(log: SessionLog, item: int, cutoff: int) -> tuple[int, int]:
    """Start and stop of the item's postings in the first `cutoff` sessions."""
    start = log.item_offsets[item]
    return start, first_at_or_after(log, start, log.item_offsets[item + 1], cutoff)


def session_starts(interactions: Interactions) -> np.ndarray:
    """The index of each session's first interaction; (sessions,) int64. A pause or another customer starts one."""
    is_first = np.ones(len(interactions), bool)
    rows, times = interactions.rows, interactions.times
    is_first[1:] = (rows[1:] != rows[:-1]) | (np.diff(times) > SESSION_GAP_SECONDS)
    return np.flatnonzero(is_first)
