"""Arrangement: what ranking proposes, put in the order in which it is shown, under a placement's policy.

First boosts and diversity move the scores; then pins take their places, the best candidates within the caps take the
others, exploration draws its own; what is still empty is filled with popular items and, last of all, against the caps.
What is running out is not lifted: no boost, no exploration, and it fills a place only where nothing else can.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import numpy as np

from recsys.kernels.jit import jit
from recsys.reranking.compiled_policy import CompiledPolicy

RANKED: Final = "ranked"
PINNED: Final = "pinned"
EXPLORED: Final = "explored"
POPULAR: Final = "popular"
ANY_ITEM: Final = "any_item"
CAPS_RELAXED: Final = "caps_relaxed"
TOO_FEW_ITEMS: Final = "too_few_items"


@dataclass(frozen=True)
class Ranked:
    """Items (places) in the order in which they are shown, (shown,) int64, and their scores, (shown,) float64.

    `origins` says what put each on its place: "ranked", "pinned", "explored", "popular" or "any_item"; `propensities`
    with which probability exploration did, None where nothing was drawn.
    """

    items: np.ndarray
    scores: np.ndarray
    origins: tuple[str, ...]
    propensities: tuple[float | None, ...]
    fallbacks: tuple[str, ...]  # of "popular", "any_item", "caps_relaxed", "too_few_items"


def arrange(
    candidates: np.ndarray,
    scores: np.ndarray,
    k: int,
    eligible: np.ndarray,
    policy: CompiledPolicy,
    popular_order: np.ndarray,
    popular_count: int,
    random: np.random.Generator | None = None,
) -> Ranked:
    """min(k, eligible items) distinct eligible items.

    `candidates` (candidates,) are distinct places, `scores` (candidates,) finite, higher is better; those that are not
    eligible are left out. `popular_order` (items,) holds every item, the most popular first; the first `popular_count`
    have any popularity. Without `random` nothing is explored.
    """
    assert len(popular_order) == len(eligible) == len(policy.items)
    usable = eligible[candidates]
    items = np.asarray(candidates[usable], np.int64)
    moved = _moved(items, np.asarray(scores[usable], np.float64), policy)
    order = np.argsort(-moved, kind="stable")
    places = _SlateBuilder(items[order], moved[order], k, eligible, policy)
    places.pin()
    places.rank(random)
    places.fill(np.asarray(popular_order), popular_count)
    return places.ranked_list()


class _SlateBuilder:
    """The places of one list, empty at first, which are taken by one rule after the other."""

    def __init__(
        self, candidates: np.ndarray, scores: np.ndarray, k: int, eligible: np.ndarray, policy: CompiledPolicy
    ) -> None:
        size = _at_most(k, eligible)
        self.k = k
        self.candidates = candidates  # (candidates,) best first
        self.candidate_scores = scores
        self.policy = policy
        self.left = eligible.copy()  # (items,) not yet taken
        self.counts = np.zeros((len(policy.cap_limits), policy.cap_group_count), np.int64)  # shown of each group
        self.items = np.full(size, -1, np.int64)
        self.scores = np.full(size, np.nan)
        self.origins = [""] * size
        self.propensities: list[float | None] = [None] * size
        self.is_relaxed = False

    def pin(self) -> None:
        """Pins count towards the caps, but no cap keeps one away; beyond the end of a short list they move up."""
        pins = [(item, place) for item, place in self.policy.pins if place < self.k and self.left[item]]
        if not pins:
            return
        pinned = np.array([item for item, _ in pins])
        ends = len(self.items) - len(pins) + np.arange(len(pins))
        self._take(pinned, len(pins), against_caps=True)
        places = np.minimum([place for _, place in pins], ends)
        self._put(places, pinned, [self._score_of(item) for item, _ in pins], PINNED)

    def rank(self, random: np.random.Generator | None) -> None:
        """The best candidates within the caps; places of exploration are drawn from the next best.

        The pool is chosen as if all of it were shown, so that every draw keeps the caps and is equally likely.
        """
        empty = self._empty()
        drawn = _drawn_places(empty, self.policy) if random is not None else empty[:0]
        chosen = self._take(self.candidates, len(empty) - len(drawn))
        if random is not None and len(drawn):
            self._explore(drawn, random)
        self._put_ranked(chosen)

    def _explore(self, drawn: np.ndarray, random: np.random.Generator) -> None:
        with self._without_low_stock():
            pool = self._take(self.candidates, self.policy.policy.exploration.pool)
        if not len(pool):
            return
        drawn = drawn[: len(pool)]
        explored = random.choice(pool, len(drawn), replace=False)
        self._put(drawn, self.candidates[explored], self.candidate_scores[explored], EXPLORED)
        for place in drawn.tolist():
            self.propensities[place] = 1.0 / len(pool)

    def fill(self, popular_order: np.ndarray, popular_count: int) -> None:
        """Popular items within the caps; then, against them, the best candidates left and popular items."""
        if not len(self._empty()):
            return
        with self._without_low_stock():
            self._fill(popular_order, popular_count, against_caps=False)
        self._fill(popular_order, popular_count, against_caps=False)
        if len(self._empty()) and len(self.policy.cap_limits):
            self.is_relaxed = True
            self._put_ranked(self._take(self.candidates, len(self._empty()), against_caps=True))
            self._fill(popular_order, popular_count, against_caps=True)

    def ranked_list(self) -> Ranked:
        unscored = np.flatnonzero(np.isnan(self.scores))
        if len(unscored):
            floor = np.nanmin(self.scores) if len(unscored) < len(self.scores) else 0.0
            self.scores[unscored] = floor - 1.0 - np.arange(len(unscored))
        origins = tuple(self.origins)
        said = {
            POPULAR: POPULAR in origins,
            ANY_ITEM: ANY_ITEM in origins,
            CAPS_RELAXED: self.is_relaxed,
            TOO_FEW_ITEMS: len(self.items) < min(self.k, self.policy.policy.minimum_items),
        }
        fallbacks = tuple(name for name, is_so in said.items() if is_so)
        return Ranked(self.items, self.scores, origins, tuple(self.propensities), fallbacks)

    @contextmanager
    def _without_low_stock(self) -> Iterator[None]:
        """Inside it, items of low stock are not available."""
        unpushed = self.policy.unpushed
        were_left = self.left[unpushed]
        self.left[unpushed] = False
        try:
            yield
        finally:
            self.left[unpushed] = were_left

    def _empty(self) -> np.ndarray:
        return np.flatnonzero(self.items < 0)

    def _take(self, order: np.ndarray, wanted: int, against_caps: bool = False) -> np.ndarray:
        """Places in `order` of the first `wanted` items that are left; they are counted as shown."""
        groups, limits = self.policy.cap_groups, self.policy.cap_limits
        return _taken(order, self.left, groups, limits, self.counts, wanted, against_caps)

    def _put(self, places: np.ndarray, items: np.ndarray, scores: np.ndarray | list[float], origin: str) -> None:
        self.items[places] = items
        self.scores[places] = scores
        for place in places.tolist():
            self.origins[place] = origin

    def _put_ranked(self, chosen: np.ndarray) -> None:
        self._put(self._empty()[: len(chosen)], self.candidates[chosen], self.candidate_scores[chosen], RANKED)

    def _fill(self, popular_order: np.ndarray, popular_count: int, against_caps: bool) -> None:
        empty = self._empty()
        if not len(empty):
            return
        chosen = self._take(popular_order, len(empty), against_caps)
        places, unscored = empty[: len(chosen)], np.full(len(chosen), np.nan)
        is_popular = chosen < popular_count
        self._put(places, popular_order[chosen], unscored, ANY_ITEM)
        for place in places[is_popular].tolist():
            self.origins[place] = POPULAR

    def _score_of(self, item: int) -> float:
        found = np.flatnonzero(self.candidates == item)
        return float(self.candidate_scores[found[0]]) if len(found) else np.nan


def _moved(items: np.ndarray, scores: np.ndarray, policy: CompiledPolicy) -> np.ndarray:
    """The scores with boosts and diversity, whose unit is the standard deviation of these scores."""
    diversity = policy.policy.diversity
    if not len(items) or (policy.boosts is None and not diversity):
        return scores
    unit = scores.std()
    moved = scores if policy.boosts is None else scores + unit * policy.boosts[items]
    if diversity:
        moved = moved - unit * diversity * _better_ones(policy.items.category[items], moved)
    return np.asarray(moved)


def _better_ones(categories: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(candidates,) int64: how many of the same category score better; 0 where the category is not known."""
    order = np.lexsort((-scores, categories))
    starts = np.flatnonzero(np.diff(categories[order], prepend=-2))
    sizes = np.diff(starts, append=len(order))
    better = np.empty(len(order), np.int64)
    better[order] = np.arange(len(order)) - np.repeat(starts, sizes)
    return np.where(categories < 0, 0, better)


def _drawn_places(empty: np.ndarray, policy: CompiledPolicy) -> np.ndarray:
    places = policy.policy.exploration.places
    return empty[np.isin(empty + 1, places)] if places else empty[:0]


@jit
def _at_most(k: int, eligible: np.ndarray) -> int:
    """The number of eligible items, or k where there are more."""
    count = 0
    for is_eligible in eligible:
        if count == k:
            break
        count += is_eligible
    return count


@jit
def _taken(
    order: np.ndarray,
    left: np.ndarray,
    groups: np.ndarray,
    limits: np.ndarray,
    counts: np.ndarray,
    wanted: int,
    against_caps: bool,
) -> np.ndarray:
    taken = np.empty(min(wanted, len(order)), np.int64)
    found = 0
    for place in range(len(order)):
        if found == wanted:
            break
        item = order[place]
        if not left[item]:
            continue
        is_allowed = True
        for cap in range(len(limits)):
            group = groups[cap, item]
            if group >= 0 and counts[cap, group] >= limits[cap]:
                is_allowed = False
        if not is_allowed and not against_caps:
            continue
        for cap in range(len(limits)):
            if groups[cap, item] >= 0:
                counts[cap, groups[cap, item]] += 1
        left[item] = False
        taken[found] = place
        found += 1
    return taken[:found]
