"""Visit neighbours: what visits like this one went on with, read live from the visits that hold the same items.

One walk over the latest visits of the shopper's latest items gives several readings: what followed and preceded each
item (decayed with the distance, the recency of the visit and the recency of the item), what followed the item in view
alone, and whole visits weighed by how much they resemble this one and aligned at their latest common item (Garg et
al., "Sequence and time aware neighborhood for session-based recommendations: STAN", 2019; Kersbergen et al.,
"Serenade", 2022). The strongest items found then pass on their own followers, a second step. It breaks where nobody
else touched what the shopper touched.
"""

from typing import Any, ClassVar, Final, NamedTuple, Self

import numpy as np

from recsys.board import Board, best_rows, slot_of
from recsys.compiled import compiled, read_only
from recsys.interactions import ItemCounters
from recsys.items import Items
from recsys.parameters import RecommendParameters
from recsys.retrieval.source import Column, State
from recsys.scratch import Scratch
from recsys.shopper import Shopper
from recsys.visit_log import VisitLog, postings_before

ANCHORS: Final = 15  # distinct items of the visit, the latest
ANCHOR_DECAY: Final = 0.7  # of an item's weight with each distinct item after it
READ_VISITS: Final = 800  # places that are looked at for one shopper
MOST_OF_ITEM: Final = 500  # of them through one item, the latest
WINDOW: Final = 8  # steps to each side of a place
STEP_DECAY: Final = 0.7
RECENCY_SHARE: Final = 0.1  # of all visits: how fast an old visit loses weight
NEIGHBOURS: Final = 200  # visits
ALIGNED_STEPS: Final = 40  # from the common item, beyond which nothing counts
ALIGNMENT: Final = np.exp(-np.arange(ALIGNED_STEPS) / 2.0).astype(np.float32)  # the weight of each step
SEEDS: Final = 12  # items that pass on their own neighbours
SEED_VISITS: Final = 100
SEED_WINDOW: Final = 3
POPULARITY_PRIOR: Final = 5.0

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

    def __init__(self, log: VisitLog, known: int) -> None:
        """`known` visits are those of which items' popularity is counted."""
        self._log, self._known = log, known
        sizes = np.bincount(log.items[: log.offsets[known]], minlength=len(log.item_offsets) - 1)
        self._roots = read_only(np.sqrt(sizes + POPULARITY_PRIOR).astype(np.float32))
        self._scratch = Scratch(lambda: _Found.of(len(log.ends)))

    @classmethod
    def fit(cls, state: State) -> Self:
        return cls(state.log, state.log.cutoff(state.now))

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
        recent = shopper.recent
        anchors = latest_distinct(recent, ANCHORS)
        found = self._scratch.get()
        count = _walk(recent, anchors, shopper.cutoff, self._log, found, board, first)
        _align(count, shopper.cutoff, self._log, found, board, first)
        _second_step(shopper.cutoff, self._log, board, first)
        _damp(self._roots, board, first + _COSINE)

    def judge(self, shopper: Shopper, candidates: np.ndarray, out: np.ndarray) -> None:
        """Says nothing of items that are in no like visit."""

    def grown(self, items: Items, counters: ItemCounters) -> Self:
        return type(self)(self._log.grown(len(items)), self._known)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        log = VisitLog.from_arrays(arrays)
        return cls(log, len(log.ends))


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
def _walk(
    recent: np.ndarray, anchors: np.ndarray, cutoff: int, log: VisitLog, found: _Found, board: Board, first: int
) -> int:
    """Read the anchors' latest visits; how many distinct ones there are."""
    count, weight = 0, 1.0
    share = max(READ_VISITS // len(anchors), 1)
    previous = recent[-2] if len(recent) > 1 else -1
    for number in range(len(anchors)):
        start, stop = postings_before(log, anchors[number], cutoff)
        rarity = np.log1p(cutoff / (stop - start + 1.0))
        start = max(start, stop - min(share, MOST_OF_ITEM))
        for posting in range(stop - 1, start - 1, -1):
            entry = log.postings[posting]
            visit = log.visits[entry]
            place = found.places[visit]
            if place < 0:
                place = count
                found.places[visit], found.visits[place] = place, visit
                found.similarity[place], found.common[place] = 0.0, entry
                count += 1
            if posting == stop - 1 or log.visits[log.postings[posting + 1]] != visit:
                found.similarity[place] += weight * rarity
            _around(entry, visit, number, weight, stop - start, cutoff, previous, log, board, first)
        weight *= ANCHOR_DECAY
    return count


@compiled
def _around(
    entry: int,
    visit: int,
    number: int,
    weight: float,
    size: int,
    cutoff: int,
    previous: int,
    log: VisitLog,
    board: Board,
    first: int,
) -> None:
    """Write what stands around one entry of the log that holds the shopper's item `number`, 0 the latest."""
    share, root = weight / (size + 3.0), weight / np.sqrt(size + 1.0)
    recency = share * np.exp((visit - cutoff) / (1.0 + RECENCY_SHARE * cutoff))
    begin, end = log.offsets[visit], log.offsets[visit + 1]
    decay = 1.0
    for after in range(entry + 1, min(end, entry + 1 + WINDOW)):
        scores = board.scores[slot_of(board, log.items[after])]
        scores[first + _FOLLOWERS] += share * decay
        scores[first + _RECENT] += recency * decay
        scores[first + _COSINE] += root * decay
        if number == 0:
            scores[first + _AFTER_LAST] += decay
            if after == entry + 1:
                scores[first + _NEXT] += 1.0
                if entry > begin and log.items[entry - 1] == previous:
                    scores[first + _CONTEXT] += 1.0
        elif number == 1:
            scores[first + _AFTER_PREVIOUS] += decay
        decay *= STEP_DECAY
    decay = 1.0
    for before in range(entry - 1, max(begin - 1, entry - 1 - WINDOW), -1):
        scores = board.scores[slot_of(board, log.items[before])]
        scores[first + _PREDECESSORS] += share * decay
        scores[first + _COSINE] += root * decay
        if number == 0:
            scores[first + _BEFORE_LAST] += decay
        decay *= STEP_DECAY


@compiled
def _align(count: int, cutoff: int, log: VisitLog, found: _Found, board: Board, first: int) -> None:
    """Add up the items of the nearest visits, and forget which visits were found."""
    similarity = found.similarity[:count]
    for place in range(count):
        visit = found.visits[place]
        found.places[visit] = -1
        length = log.offsets[visit + 1] - log.offsets[visit]
        recency = 0.5 + np.exp((visit - cutoff) / (1.0 + RECENCY_SHARE * cutoff))
        similarity[place] *= recency / np.sqrt(length + 2.0)
    least = np.float32(0.0)
    if count > NEIGHBOURS:
        least = -np.partition(-similarity, NEIGHBOURS - 1)[NEIGHBOURS - 1]
    for place in range(count):
        if similarity[place] < least:
            continue
        visit = found.visits[place]
        for entry in range(log.offsets[visit], log.offsets[visit + 1]):
            scores = board.scores[slot_of(board, log.items[entry])]
            scores[first + _VISITS] += similarity[place]
            distance = entry - found.common[place]
            if 0 < distance <= ALIGNED_STEPS:
                scores[first + _ALIGNED_AFTER] += similarity[place] * ALIGNMENT[distance - 1]
            elif -ALIGNED_STEPS <= distance < 0:
                scores[first + _ALIGNED_BEFORE] += similarity[place] * ALIGNMENT[-distance - 1]


@compiled
def _second_step(cutoff: int, log: VisitLog, board: Board, first: int) -> None:
    """The strongest items so far pass on what followed and preceded them."""
    strength = np.empty((board.size[0], 1), np.float32)
    for slot in range(len(strength)):
        scores = board.scores[slot]
        strength[slot, 0] = scores[first + _FOLLOWERS] + np.float32(0.5) * scores[first + _PREDECESSORS]
    for slot in best_rows(strength, np.arange(len(strength)), 0, SEEDS):
        begin, stop = postings_before(log, board.items[slot], cutoff)
        begin = max(begin, stop - SEED_VISITS)
        share = strength[slot, 0] / (stop - begin + 3.0)
        for posting in range(begin, stop):
            entry = log.postings[posting]
            visit = log.visits[entry]
            decay = share
            for after in range(entry + 1, min(log.offsets[visit + 1], entry + 1 + SEED_WINDOW)):
                board.scores[slot_of(board, log.items[after]), first + _SECOND_AFTER] += decay
                decay *= STEP_DECAY
            decay = share
            for before in range(entry - 1, max(log.offsets[visit] - 1, entry - 1 - SEED_WINDOW), -1):
                board.scores[slot_of(board, log.items[before]), first + _SECOND_BEFORE] += decay
                decay *= STEP_DECAY


@compiled
def _damp(roots: np.ndarray, board: Board, column: int) -> None:
    """Turn the sums of roots into a cosine, by the root of each item's own number of visits."""
    for slot in range(board.size[0]):
        board.scores[slot, column] /= roots[board.items[slot]]
