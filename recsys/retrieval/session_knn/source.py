"""Session-kNN: what sessions like this one continued with.

It scores items in three ways. (1) Item-to-item transitions from the session's items, counted at the fit
(`ItemTransitions`) and decayed with the position of the item. (2) 2-hop transitions: those of the strongest items that
the first step found. (3) Whole sessions, found during the request, weighted by their similarity to this one and aligned
at their latest common item (Garg et al., "Sequence and time aware neighborhood for session-based recommendations:
STAN", 2019; Kersbergen et al., "Serenade", 2022). It fails where no other session holds an item of this one.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import SessionLog, postings_before
from recsys.data.user_history import UserHistory
from recsys.kernels.jit import jit, read_only
from recsys.kernels.prefetch import prefetch
from recsys.kernels.thread_local import ThreadLocal
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_in, row_of
from recsys.retrieval.protocol import Column, FitData
from recsys.retrieval.selection import best_rows, rank_threshold
from recsys.retrieval.session_knn.item_transitions import RECENCY_SHARE, ItemTransitions

SEED_ITEMS: Final = 15  # distinct items of the session, the latest
SEED_DECAY: Final = 0.7  # of an item's weight per later distinct item
READ_SESSIONS: Final = 800  # postings that are read per request
MOST_OF_ITEM: Final = 500  # of them per item, the latest
NEIGHBOURS: Final = 200  # sessions
ALIGNED_STEPS: Final = 40  # largest distance from the common item that counts
ALIGNMENT: Final = np.exp(-np.arange(ALIGNED_STEPS) / 2.0).astype(np.float32)  # weight by distance
HOP_ITEMS: Final = 12  # items whose transitions are the second hop
POPULARITY_PRIOR: Final = 5.0
REFITS: Final = 8  # of the transitions, over the sessions after the fit's `now`

# Columns of the pool, from the source's first one.
_TRANSITIONS, _RECENT, _REVERSE, _COSINE, _NEXT, _AFTER_LAST, _BEFORE_LAST, _AFTER_PREVIOUS, _CONTEXT = range(9)
_SESSIONS, _ALIGNED_AFTER, _ALIGNED_BEFORE, _SECOND_AFTER, _SECOND_BEFORE = range(9, 14)


class _Found(NamedTuple):
    """The buffers of one thread. `places` (sessions,) int32 is the index of a found session, -1 between requests."""

    places: np.ndarray
    sessions: np.ndarray
    similarity: np.ndarray
    common: np.ndarray  # the latest entry of the log with the common item

    @classmethod
    def of(cls, sessions: int) -> "_Found":
        capacity = min(READ_SESSIONS + MOST_OF_ITEM, sessions)
        return cls(
            np.full(sessions, -1, np.int32),
            np.empty(capacity, np.int32),
            np.empty(capacity, np.float32),
            np.empty(capacity, np.int64),
        )


class SessionKNN:
    """Retrieves from the transitions, and from the session log as of the time of the request."""

    name: ClassVar[str] = "visits"

    def __init__(self, log: SessionLog, transitions: Mapping[int, ItemTransitions]) -> None:
        """`transitions` by the number of sessions over which they were counted, ascending."""
        self._log, self._transitions = log, dict(transitions)
        self._known = list(transitions)
        self._roots = [
            read_only(np.sqrt(found.seen + np.float32(POPULARITY_PRIOR))) for found in self._transitions.values()
        ]
        self._buffers = ThreadLocal(lambda: _Found.of(len(log.ends)))

    @classmethod
    def fit(cls, state: FitData) -> Self:
        """Transitions are also counted at later times in the log, as by a store that is fitted every night."""
        now = state.log.cutoff(state.now)
        later = len(state.log.ends) - now
        known = sorted({now + later * part // REFITS for part in range(REFITS)})
        return cls(state.log, {sessions: ItemTransitions.of(state.log, sessions) for sessions in known})

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        limit = parameters.candidates_by_visits
        return (
            Column("transitions", limit=limit, weight=1.0, is_ranked=True, is_popularity_normalised=True),
            Column("recent_transitions", limit=limit, weight=0.5),
            Column("reverse_transitions", weight=0.5),
            Column("transition_cosine", limit=limit, weight=0.5, is_ranked=True),
            Column("next_of_last"),
            Column("transitions_of_last", limit=limit, is_popularity_normalised=True),
            Column("reverse_transitions_of_last"),
            Column("transitions_of_previous"),
            Column("next_of_pair"),
            Column("session_knn", limit=limit, weight=0.5, is_ranked=True, is_popularity_normalised=True),
            Column("aligned_after", limit=limit, weight=1.0, is_ranked=True),
            Column("aligned_before"),
            Column("two_hop_transitions", limit=limit, weight=0.5),
            Column("two_hop_reverse_transitions", limit=limit, weight=0.5),
        )

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        if user.is_cold_start or not user.cutoff:
            return
        seeds = latest_distinct(user.recent, SEED_ITEMS)
        found = self._buffers.get()
        number = max(bisect_right(self._known, user.cutoff) - 1, 0)
        transitions, roots = self._transitions[self._known[number]], self._roots[number]
        _first_step(seeds, transitions, pool, first)
        _second_step(transitions, pool, first)
        count = _similar_sessions(seeds, user.cutoff, self._log, found, pool, first)
        _align(count, user.cutoff, self._log, found, pool, first)
        _damp(roots, pool, first + _COSINE)

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        transitions = {sessions: found.resized(len(items)) for sessions, found in self._transitions.items()}
        return type(self)(self._log.resized(len(items)), transitions)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return self._transitions[self._known[0]].to_arrays()

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        log = SessionLog.from_arrays(arrays)
        return cls(log, {len(log.ends): ItemTransitions.from_arrays(arrays)})


@jit
def latest_distinct(items: np.ndarray, limit: int) -> np.ndarray:
    """The latest `limit` distinct of `items` (entries, oldest first), the latest first."""
    found = np.empty(min(limit, len(items)), np.int32)
    count = 0
    for entry in range(len(items) - 1, -1, -1):
        if count == len(found):
            break
        is_new = True
        for place in range(count):
            is_new &= found[place] != items[entry]
        if is_new:
            found[count] = items[entry]
            count += 1
    return found[:count]


@jit
def _first_step(seeds: np.ndarray, transitions: ItemTransitions, pool: CandidatePool, first: int) -> None:
    """Write the transitions of the seed items."""
    weight = 1.0
    offsets, companions, sums, seen = transitions.offsets, transitions.items, transitions.sums, transitions.seen
    item_rows, rows, scores, size = pool.item_rows, pool.items, pool.scores, pool.size
    for number in range(len(seeds)):
        seed = seeds[number]
        if seed + 1 >= len(offsets):  # appended after the fit
            weight *= SEED_DECAY
            continue
        share, root = weight / (seen[seed] + 3.0), weight / np.sqrt(seen[seed] + 1.0)
        for entry in range(offsets[seed], offsets[seed + 1]):
            after, lately, before, following = sums[entry, 0], sums[entry, 1], sums[entry, 2], sums[entry, 3]
            row = row_in(companions[entry], item_rows, rows, size)
            scores[first + _TRANSITIONS, row] += share * after
            scores[first + _RECENT, row] += share * lately
            scores[first + _REVERSE, row] += share * before
            scores[first + _COSINE, row] += root * (after + before)
            if number == 0:
                scores[first + _AFTER_LAST, row] += after
                scores[first + _BEFORE_LAST, row] += before
                scores[first + _NEXT, row] += following
            elif number == 1:
                scores[first + _AFTER_PREVIOUS, row] += after
        weight *= SEED_DECAY


@jit
def _second_step(transitions: ItemTransitions, pool: CandidatePool, first: int) -> None:
    """Write the transitions of the strongest items so far."""
    offsets, companions, sums, seen = transitions.offsets, transitions.items, transitions.sums, transitions.seen
    item_rows, rows, scores, size = pool.item_rows, pool.items, pool.scores, pool.size
    strength = np.empty(size[0], np.float32)
    for row in range(len(strength)):
        strength[row] = scores[first + _TRANSITIONS, row] + np.float32(0.5) * scores[first + _REVERSE, row]
    for hop in best_rows(strength, HOP_ITEMS):
        item = rows[hop]
        share = strength[hop] / (seen[item] + 3.0)
        for entry in range(offsets[item], offsets[item + 1]):
            row = row_in(companions[entry], item_rows, rows, size)
            scores[first + _SECOND_AFTER, row] += share * sums[entry, 0]
            scores[first + _SECOND_BEFORE, row] += share * sums[entry, 2]


@jit
def _similar_sessions(
    seeds: np.ndarray, cutoff: int, log: SessionLog, found: _Found, pool: CandidatePool, first: int
) -> int:
    """Read the seeds' latest sessions into `found`; returns the number of distinct ones."""
    count, weight = 0, 1.0
    places, sessions, similarity, common = found.places, found.sessions, found.similarity, found.common
    session_of, postings, offsets = log.sessions, log.postings, log.offsets
    share = max(READ_SESSIONS // len(seeds), 1)
    for number in range(len(seeds)):
        start, stop = postings_before(log, seeds[number], cutoff)
        rarity = np.log1p(cutoff / (stop - start + 1.0))
        start = max(start, stop - min(share, MOST_OF_ITEM))
        for posting in range(stop - 1, start - 1, -1):
            session = session_of[posting]
            place = places[session]
            if place < 0:
                place = count
                places[session], sessions[place] = place, session
                similarity[place], common[place] = 0.0, postings[posting]
                count += 1
                prefetch(offsets, session)
            elif number == 1:
                _after_pair(postings[posting], common[place], session, log, pool, first + _CONTEXT)
            if posting == stop - 1 or session_of[posting + 1] != session:
                similarity[place] += weight * rarity
        weight *= SEED_DECAY
    return count


@jit
def _after_pair(previous: int, last: int, session: int, log: SessionLog, pool: CandidatePool, column: int) -> None:
    """Count the item right after the user's two latest items, if the session holds them in this order."""
    if last == previous + 1 and last + 1 < log.offsets[session + 1]:
        pool.scores[column, row_of(pool, log.items[last + 1])] += 1.0


@jit
def _align(count: int, cutoff: int, log: SessionLog, found: _Found, pool: CandidatePool, first: int) -> None:
    """Add the items of the nearest sessions, and reset `found.places`."""
    places, sessions, similarity, common = found.places, found.sessions, found.similarity[:count], found.common
    offsets, items = log.offsets, log.items
    item_rows, rows, scores, size = pool.item_rows, pool.items, pool.scores, pool.size
    for place in range(count):
        session = sessions[place]
        places[session] = -1
        length = offsets[session + 1] - offsets[session]
        recency = 0.5 + np.exp((session - cutoff) / (1.0 + RECENCY_SHARE * cutoff))
        similarity[place] *= recency / np.sqrt(length + 2.0)
    least = rank_threshold(similarity, NEIGHBOURS)
    nearest = np.flatnonzero(similarity.view(np.int32) >= least)
    for near in nearest:
        prefetch(items, offsets[sessions[near]])
    for near in nearest:
        for entry in range(offsets[sessions[near]], offsets[sessions[near] + 1]):
            prefetch(item_rows, items[entry])
    for near in nearest:
        session = sessions[near]
        for entry in range(offsets[session], offsets[session + 1]):
            row = row_in(items[entry], item_rows, rows, size)
            scores[first + _SESSIONS, row] += similarity[near]
            distance = entry - common[near]
            if 0 < distance <= ALIGNED_STEPS:
                scores[first + _ALIGNED_AFTER, row] += similarity[near] * ALIGNMENT[distance - 1]
            elif -ALIGNED_STEPS <= distance < 0:
                scores[first + _ALIGNED_BEFORE, row] += similarity[near] * ALIGNMENT[-distance - 1]


@jit
def _damp(roots: np.ndarray, pool: CandidatePool, column: int) -> None:
    """Divide the sums by the root of each item's own count, which makes them cosines."""
    rows, scores = pool.items, pool.scores[column]
    for row in range(pool.size[0]):
        scores[row] /= roots[rows[row]]
