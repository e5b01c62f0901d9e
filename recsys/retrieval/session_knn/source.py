"""Visit neighbours: what visits like this one went on with.

Three readings. What followed and preceded each of the shopper's items, summed up at the fit (`Followers`) and decayed
with the recency of the item. What the strongest items found so pass on themselves, a second step. And whole visits,
found live, weighed by how much they resemble this one and aligned at their latest common item (Garg et al., "Sequence
and time aware neighborhood for session-based recommendations: STAN", 2019; Kersbergen et al., "Serenade", 2022). It
breaks where nobody else touched what the shopper touched.
"""

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from recsys.data.sessions import VisitLog, postings_before
from recsys.data.user_history import Shopper
from recsys.kernels.jit import compiled, read_only
from recsys.kernels.prefetch import prefetch
from recsys.kernels.thread_local import Scratch
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import Board, best_rows, least_rank, slot_in, slot_of
from recsys.retrieval.protocol import Column, State
from recsys.retrieval.session_knn.item_transitions import RECENCY_SHARE, Followers

ANCHORS: Final = 15  # distinct items of the visit, the latest
ANCHOR_DECAY: Final = 0.7  # of an item's weight with each distinct item after it
READ_VISITS: Final = 800  # places that are looked at for one shopper
MOST_OF_ITEM: Final = 500  # of them through one item, the latest
NEIGHBOURS: Final = 200  # visits
ALIGNED_STEPS: Final = 40  # from the common item, beyond which nothing counts
ALIGNMENT: Final = np.exp(-np.arange(ALIGNED_STEPS) / 2.0).astype(np.float32)  # the weight of each step
SEEDS: Final = 12  # items that pass on their own neighbours
POPULARITY_PRIOR: Final = 5.0
RENEWALS: Final = 8  # of the followers, over the visits that came after the fit

# Columns of the board, from the source's first one.
_FOLLOWERS, _RECENT, _PREDECESSORS, _COSINE, _NEXT, _AFTER_LAST, _BEFORE_LAST, _AFTER_PREVIOUS, _CONTEXT = range(9)
_VISITS, _ALIGNED_AFTER, _ALIGNED_BEFORE, _SECOND_AFTER, _SECOND_BEFORE = range(9, 14)


class _Found(NamedTuple):
    """Scratch of one thread. `places` (visits,) int32 is a visit's place among those found, -1 between requests."""

    places: np.ndarray
    visits: np.ndarray
    similarity: np.ndarray
    common: np.ndarray  # the latest entry of the log that holds the common item

    @classmethod
    def of(cls, visits: int) -> "_Found":
        capacity = min(READ_VISITS + MOST_OF_ITEM, visits)
        return cls(
            np.full(visits, -1, np.int32),
            np.empty(capacity, np.int32),
            np.empty(capacity, np.float32),
            np.empty(capacity, np.int64),
        )


class VisitNeighbours:
    """Proposes what like visits hold; it is the visit log, read as of the shopper's moment."""

    name: ClassVar[str] = "visits"

    def __init__(self, log: VisitLog, followers: Mapping[int, Followers]) -> None:
        """`followers` by the number of visits that they know, ascending."""
        self._log, self._followers = log, dict(followers)
        self._known = list(followers)
        self._roots = [
            read_only(np.sqrt(found.seen + np.float32(POPULARITY_PRIOR))) for found in self._followers.values()
        ]
        self._scratch = Scratch(lambda: _Found.of(len(log.ends)))

    @classmethod
    def fit(cls, state: State) -> Self:
        """A store fits anew each night: where it learns from weeks that followed, followers are renewed meanwhile."""
        now = state.log.cutoff(state.now)
        later = len(state.log.ends) - now
        known = sorted({now + later * part // RENEWALS for part in range(RENEWALS)})
        return cls(state.log, {visits: Followers.of(state.log, visits) for visits in known})

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        limit = parameters.candidates_by_visits
        return (
            Column("followers", limit=limit, prior=1.0, is_ranked=True, is_damped=True),
            Column("recent_followers", limit=limit, prior=0.5),
            Column("predecessors", prior=0.5),
            Column("visit_cosine", limit=limit, prior=0.5, is_ranked=True),
            Column("next_of_last"),
            Column("followers_of_last", limit=limit, is_damped=True),
            Column("predecessors_of_last"),
            Column("followers_of_previous"),
            Column("next_of_pair"),
            Column("visits", limit=limit, prior=0.5, is_ranked=True, is_damped=True),
            Column("aligned_after", limit=limit, prior=1.0, is_ranked=True),
            Column("aligned_before"),
            Column("second_followers", limit=limit, prior=0.5),
            Column("second_predecessors", limit=limit, prior=0.5),
        )

    @staticmethod
    def judgements() -> tuple[str, ...]:
        return ()

    def propose(self, shopper: Shopper, eligible: np.ndarray, board: Board, first: int) -> None:
        if shopper.is_stranger or not shopper.cutoff:
            return
        anchors = latest_distinct(shopper.recent, ANCHORS)
        found = self._scratch.get()
        number = max(bisect_right(self._known, shopper.cutoff) - 1, 0)
        followers, roots = self._followers[self._known[number]], self._roots[number]
        _first_step(anchors, followers, board, first)
        _second_step(followers, board, first)
        count = _like_visits(anchors, shopper.cutoff, self._log, found, board, first)
        _align(count, shopper.cutoff, self._log, found, board, first)
        _damp(roots, board, first + _COSINE)

    def judge(self, shopper: Shopper, candidates: np.ndarray, out: np.ndarray) -> None:
        """Says nothing of items that are in no like visit."""

    def grown(self, items: Items, counters: ItemCounters) -> Self:
        followers = {visits: found.grown(len(items)) for visits, found in self._followers.items()}
        return type(self)(self._log.grown(len(items)), followers)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return self._followers[self._known[0]].to_arrays()

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        log = VisitLog.from_arrays(arrays)
        return cls(log, {len(log.ends): Followers.from_arrays(arrays)})


@compiled
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


@compiled
def _first_step(anchors: np.ndarray, followers: Followers, board: Board, first: int) -> None:
    """Write what stood around the shopper's items, the latest first."""
    weight = 1.0
    offsets, companions, sums, seen = followers.offsets, followers.items, followers.sums, followers.seen
    slots, rows, scores, size = board.slots, board.items, board.scores, board.size
    for number in range(len(anchors)):
        anchor = anchors[number]
        if anchor + 1 >= len(offsets):  # it came after the fit
            weight *= ANCHOR_DECAY
            continue
        share, root = weight / (seen[anchor] + 3.0), weight / np.sqrt(seen[anchor] + 1.0)
        for entry in range(offsets[anchor], offsets[anchor + 1]):
            after, lately, before, following = sums[entry, 0], sums[entry, 1], sums[entry, 2], sums[entry, 3]
            row = slot_in(companions[entry], slots, rows, size)
            scores[first + _FOLLOWERS, row] += share * after
            scores[first + _RECENT, row] += share * lately
            scores[first + _PREDECESSORS, row] += share * before
            scores[first + _COSINE, row] += root * (after + before)
            if number == 0:
                scores[first + _AFTER_LAST, row] += after
                scores[first + _BEFORE_LAST, row] += before
                scores[first + _NEXT, row] += following
            elif number == 1:
                scores[first + _AFTER_PREVIOUS, row] += after
        weight *= ANCHOR_DECAY


@compiled
def _second_step(followers: Followers, board: Board, first: int) -> None:
    """The strongest items so far pass on what followed and preceded them."""
    offsets, companions, sums, seen = followers.offsets, followers.items, followers.sums, followers.seen
    slots, rows, scores, size = board.slots, board.items, board.scores, board.size
    strength = np.empty(size[0], np.float32)
    for row in range(len(strength)):
        strength[row] = scores[first + _FOLLOWERS, row] + np.float32(0.5) * scores[first + _PREDECESSORS, row]
    for seed in best_rows(strength, SEEDS):
        item = rows[seed]
        share = strength[seed] / (seen[item] + 3.0)
        for entry in range(offsets[item], offsets[item + 1]):
            row = slot_in(companions[entry], slots, rows, size)
            scores[first + _SECOND_AFTER, row] += share * sums[entry, 0]
            scores[first + _SECOND_BEFORE, row] += share * sums[entry, 2]


@compiled
def _like_visits(anchors: np.ndarray, cutoff: int, log: VisitLog, found: _Found, board: Board, first: int) -> int:
    """Read the anchors' latest visits; how many distinct ones there are."""
    count, weight = 0, 1.0
    places, visits, similarity, common = found.places, found.visits, found.similarity, found.common
    visit_of, postings, offsets = log.visits, log.postings, log.offsets
    share = max(READ_VISITS // len(anchors), 1)
    for number in range(len(anchors)):
        start, stop = postings_before(log, anchors[number], cutoff)
        rarity = np.log1p(cutoff / (stop - start + 1.0))
        start = max(start, stop - min(share, MOST_OF_ITEM))
        for posting in range(stop - 1, start - 1, -1):
            visit = visit_of[posting]
            place = places[visit]
            if place < 0:
                place = count
                places[visit], visits[place] = place, visit
                similarity[place], common[place] = 0.0, postings[posting]
                count += 1
                prefetch(offsets, visit)
            elif number == 1:
                _after_pair(postings[posting], common[place], visit, log, board, first + _CONTEXT)
            if posting == stop - 1 or visit_of[posting + 1] != visit:
                similarity[place] += weight * rarity
        weight *= ANCHOR_DECAY
    return count


@compiled
def _after_pair(previous: int, last: int, visit: int, log: VisitLog, board: Board, column: int) -> None:
    """What came right after the shopper's two latest items, where a visit holds them in that order too."""
    if last == previous + 1 and last + 1 < log.offsets[visit + 1]:
        board.scores[column, slot_of(board, log.items[last + 1])] += 1.0


@compiled
def _align(count: int, cutoff: int, log: VisitLog, found: _Found, board: Board, first: int) -> None:
    """Add up the items of the nearest visits, and forget which visits were found."""
    places, visits, similarity, common = found.places, found.visits, found.similarity[:count], found.common
    offsets, items = log.offsets, log.items
    slots, rows, scores, size = board.slots, board.items, board.scores, board.size
    for place in range(count):
        visit = visits[place]
        places[visit] = -1
        length = offsets[visit + 1] - offsets[visit]
        recency = 0.5 + np.exp((visit - cutoff) / (1.0 + RECENCY_SHARE * cutoff))
        similarity[place] *= recency / np.sqrt(length + 2.0)
    least = least_rank(similarity, NEIGHBOURS)
    nearest = np.flatnonzero(similarity.view(np.int32) >= least)
    for near in nearest:
        prefetch(items, offsets[visits[near]])
    for near in nearest:
        for entry in range(offsets[visits[near]], offsets[visits[near] + 1]):
            prefetch(slots, items[entry])
    for near in nearest:
        visit = visits[near]
        for entry in range(offsets[visit], offsets[visit + 1]):
            row = slot_in(items[entry], slots, rows, size)
            scores[first + _VISITS, row] += similarity[near]
            distance = entry - common[near]
            if 0 < distance <= ALIGNED_STEPS:
                scores[first + _ALIGNED_AFTER, row] += similarity[near] * ALIGNMENT[distance - 1]
            elif -ALIGNED_STEPS <= distance < 0:
                scores[first + _ALIGNED_BEFORE, row] += similarity[near] * ALIGNMENT[-distance - 1]


@compiled
def _damp(roots: np.ndarray, board: Board, column: int) -> None:
    """Turn the sums of roots into a cosine, by the root of each item's own number of visits."""
    rows, scores = board.items, board.scores[column]
    for row in range(board.size[0]):
        scores[row] /= roots[rows[row]]
