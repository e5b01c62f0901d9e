"""In-session features: a candidate's place in the present session, and its recent frequency in other sessions.

Most of the signal of a next click lies in the session itself: which items return, after how many steps, and which item
followed which.
"""

from functools import cached_property
from typing import ClassVar, Final

import numpy as np

from recsys.data.sessions import SessionLog, first_at_or_after, postings_before
from recsys.data.user_history import UserHistory
from recsys.kernels.jit import jit

_IN_SESSION: Final = (
    "is_last",
    "steps_since",
    "items_since",
    "first_step",
    "previous_gap",
    "run_length",
    "followed_last",
    "followed_last_share",
    "gap_difference",
    "decayed_count",
)
_OF_SESSION: Final = (
    "session_steps",
    "session_items",
    "session_item_share",
    "last_returned",
    "last_repeats_previous",
    "late_returns",
    "last_run",
    "last_return_gap",
)
_OF_ITEM: Final = (
    "seen",
    "seen_lately",
    "seen_in_20th",
    "seen_in_5th",
    "rise",
    "first_seen",
    "last_seen",
    "seen_of_last",
)
COUNT_DECAY: Final = 0.8  # per step back
LATE_STEPS: Final = 5
SHARES: Final = (0.01, 0.05, 0.2)  # of all sessions: the latest ones, in which items are counted
LEAST_SESSIONS: Final = (200, 1_000, 5_000)


class SessionFeatures:
    """Computes features from the present session and from the sessions of others until now."""

    names: ClassVar[tuple[str, ...]] = (*_IN_SESSION, *_OF_SESSION, *_OF_ITEM)

    def __init__(self, log: SessionLog) -> None:
        self._log = log

    def score_candidates(self, user: UserHistory, candidates: np.ndarray, out: np.ndarray) -> None:
        recent = user.recent
        if not len(recent):
            out[:] = 0.0
            return
        _in_session(recent, candidates, out)
        _of_session(recent, out[len(_IN_SESSION) : len(_IN_SESSION) + len(_OF_SESSION)])
        of_item = out[len(_IN_SESSION) + len(_OF_SESSION) :]
        if user.cutoff == len(self._log.ends):
            _looked_up(self._latest, recent[-1], candidates, of_item)
        else:
            _of_items(candidates, user.cutoff, self._log, of_item)
            _against_last(_seen(self._log, recent[-1], user.cutoff), of_item)

    @cached_property
    def _latest(self) -> np.ndarray:
        """(items, len(_OF_ITEM)) float32: the item features from all sessions, which is what a service asks for."""
        items = np.arange(len(self._log.item_offsets) - 1, dtype=np.int32)
        table = np.empty((len(_OF_ITEM), len(items)), np.float32)
        _of_items(items, len(self._log.ends), self._log, table)
        return np.ascontiguousarray(table.T)


@jit
def _in_session(recent: np.ndarray, candidates: np.ndarray, out: np.ndarray) -> None:
    size, last = len(recent), recent[-1]
    since = _items_since(recent)
    times_last = 0
    for step in range(size - 1):
        times_last += recent[step] == last
    for row in range(len(candidates)):
        item = candidates[row]
        steps, gap, first, run, followed = -1, -1, -1, 0, 0
        count, decay = 0.0, 1.0
        for place in range(size - 1, -1, -1):
            if recent[place] == item:
                if steps < 0:
                    steps = size - 1 - place
                elif gap < 0:
                    gap = size - 1 - place - steps
                first = place
                followed += place > 0 and recent[place - 1] == last
                count += decay
            decay *= COUNT_DECAY
        place = size - 1 - steps
        while steps >= 0 and place >= 0 and recent[place] == item:
            run += 1
            place -= 1
        out[0, row] = item == last
        out[1, row] = steps
        out[2, row] = since[size - 1 - steps] if steps >= 0 else -1
        out[3, row] = first
        out[4, row] = gap
        out[5, row] = run
        out[6, row] = followed
        out[7, row] = followed / (times_last + 1.0)
        out[8, row] = steps - gap if gap >= 0 else -99
        out[9, row] = count


@jit
def _items_since(recent: np.ndarray) -> np.ndarray:
    """(steps,) how many distinct items came after each step."""
    since = np.zeros(len(recent), np.int64)
    for place in range(len(recent) - 2, -1, -1):
        is_new = True
        for later in range(place + 2, len(recent)):
            is_new &= recent[later] != recent[place + 1]
        since[place] = since[place + 1] + is_new
    return since


@jit
def _of_session(recent: np.ndarray, out: np.ndarray) -> None:
    size, last = len(recent), recent[-1]
    distinct, returns, gap, run = 0, 0, 0, 1
    for place in range(size):
        earlier = place - 1
        while earlier >= 0 and recent[earlier] != recent[place]:
            earlier -= 1
        distinct += earlier < 0
        returns += earlier >= 0 and place >= size - LATE_STEPS
        if place == size - 1 and earlier >= 0:
            gap = place - earlier
    while run < size and recent[size - 1 - run] == last:
        run += 1
    out[0] = size
    out[1] = distinct
    out[2] = distinct / size
    out[3] = gap > 0
    out[4] = gap == 1
    out[5] = returns
    out[6] = run
    out[7] = gap


@jit
def _of_items(candidates: np.ndarray, cutoff: int, log: SessionLog, out: np.ndarray) -> None:
    """Fill all item features but the last, which depends on the user."""
    begins = np.empty(len(SHARES), np.int64)
    for window in range(len(SHARES)):
        begins[window] = max(cutoff - max(LEAST_SESSIONS[window], int(cutoff * SHARES[window])), 0)
    for row in range(len(candidates)):
        start, stop = postings_before(log, candidates[row], cutoff)
        out[0, row] = stop - start
        for window in range(len(SHARES)):
            first = first_at_or_after(log, start, stop, begins[window])
            # Per thousand entries of the window, so that the number means the same when the store has grown.
            entries = log.offsets[cutoff] - log.offsets[begins[window]]
            out[1 + window, row] = 1_000.0 * (stop - first) / max(entries, 1)
        out[4, row] = (out[2, row] + 0.05) / (out[3, row] + 0.05)
        out[5, row] = cutoff - log.sessions[start] if stop > start else -1
        out[6, row] = cutoff - log.sessions[stop - 1] if stop > start else -1


@jit
def _looked_up(table: np.ndarray, last: int, candidates: np.ndarray, out: np.ndarray) -> None:
    for row in range(len(candidates)):
        for column in range(len(out)):
            out[column, row] = table[candidates[row], column]
    _against_last(table[last, 0], out)


@jit
def _seen(log: SessionLog, item: int, cutoff: int) -> float:
    start, stop = postings_before(log, item, cutoff)
    return float(stop - start)


@jit
def _against_last(seen: float, out: np.ndarray) -> None:
    """Fill the last item feature: the candidate's count over that of the session's last item."""
    for row in range(out.shape[1]):
        out[7, row] = (out[0, row] + 1.0) / (seen + 1.0)
