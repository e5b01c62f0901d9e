"""Re-ranking: a placement's scored candidates become the slate that is shown, under the placement's policy.

First boosts and diversity change the scores. Then pins take their positions, the best candidates within the caps take
the others, and exploration draws its own. Popular items fill what is still empty; last of all the caps are relaxed.
Items of low stock are not promoted: no boost, no exploration, and they fill a position only if nothing else can.
"""

from collections.abc import Iterator
from contextlib import contextmanager
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


def rerank(
    candidates: np.ndarray,
    scores: np.ndarray,
    k: int,
    eligible: np.ndarray,
    policy: CompiledPolicy,
    popular_order: np.ndarray,
    popular_count: int,
    random: np.random.Generator | None = None,
) -> "Slate":
    """A slate of min(k, eligible items) distinct eligible items.

    `candidates` (candidates,) are distinct items, `scores` (candidates,) finite, higher is better; candidates that are
    not eligible are left out. `popular_order` (items,) holds every item, the most popular first; the first
    `popular_count` have any popularity. Without `random` nothing is explored.
    """
    assert len(popular_order) == len(eligible) == len(policy.items)
    usable = eligible[candidates]
    items = np.asarray(candidates[usable], np.int64)
    changed = _policy_scores(items, np.asarray(scores[usable], np.float64), policy)
    order = np.argsort(-changed, kind="stable")
    slate = Slate(items[order], changed[order], k, eligible, policy)
    slate.place_pins()
    slate.place_candidates(random)
    slate.fill_up(np.asarray(popular_order), popular_count)
    slate.score_fillers()
    return slate


class Slate:
    """The slots of one list, empty at first, which one rule after the other fills.

    `items` and `scores` (slots,) are int64 and float64. `origins` says what filled each slot: "ranked", "pinned",
    "explored", "popular" or "any_item". `propensities` are the probabilities with which exploration drew the items,
    None in slots that were not drawn.
    """

    def __init__(
        self, candidates: np.ndarray, scores: np.ndarray, k: int, eligible: np.ndarray, policy: CompiledPolicy
    ) -> None:
        size = _at_most(k, eligible)
        self.items = np.full(size, -1, np.int64)
        self.scores = np.full(size, np.nan)
        self.origins = [""] * size
        self.propensities: list[float | None] = [None] * size
        self._k = k
        self._candidates = candidates  # (candidates,) best first
        self._candidate_scores = scores
        self._policy = policy
        self._left = eligible.copy()  # (items,) not yet in the slate
        self._counts = np.zeros((len(policy.cap_limits), policy.cap_group_count), np.int64)  # in the slate, by group
        self._is_relaxed = False

    @property
    def fallbacks(self) -> list[str]:
        """Of "popular", "any_item", "caps_relaxed" and "too_few_items", those that apply."""
        applies = {
            POPULAR: POPULAR in self.origins,
            ANY_ITEM: ANY_ITEM in self.origins,
            CAPS_RELAXED: self._is_relaxed,
            TOO_FEW_ITEMS: len(self.items) < min(self._k, self._policy.policy.minimum_items),
        }
        return [name for name, does_apply in applies.items() if does_apply]

    def place_pins(self) -> None:
        """Pins count towards the caps, but no cap removes one; those beyond the end of a short list move up."""
        pins = [(item, slot) for item, slot in self._policy.pins if slot < self._k and self._left[item]]
        if not pins:
            return
        pinned = np.array([item for item, _ in pins])
        ends = len(self.items) - len(pins) + np.arange(len(pins))
        self._take(pinned, len(pins), ignore_caps=True)
        slots = np.minimum([slot for _, slot in pins], ends)
        self._put(slots, pinned, [self._score_of(item) for item, _ in pins], PINNED)

    def place_candidates(self, random: np.random.Generator | None) -> None:
        """The best candidates within the caps; exploration draws its slots from the next best.

        The pool is taken as if all of it were shown: every draw keeps the caps and is equally likely.
        """
        empty = self._empty()
        drawn = _explored_slots(empty, self._policy) if random is not None else empty[:0]
        chosen = self._take(self._candidates, len(empty) - len(drawn))
        if random is not None and len(drawn):
            self._explore(drawn, random)
        self._put_ranked(chosen)

    def _explore(self, drawn: np.ndarray, random: np.random.Generator) -> None:
        with self._without_low_stock():
            pool = self._take(self._candidates, self._policy.policy.exploration.pool)
        if not len(pool):
            return
        drawn = drawn[: len(pool)]
        explored = random.choice(pool, len(drawn), replace=False)
        self._put(drawn, self._candidates[explored], self._candidate_scores[explored], EXPLORED)
        for slot in drawn.tolist():
            self.propensities[slot] = 1.0 / len(pool)

    def fill_up(self, popular_order: np.ndarray, popular_count: int) -> None:
        """Popular items within the caps; then, beyond the caps, the best candidates left and popular items."""
        if not len(self._empty()):
            return
        with self._without_low_stock():
            self._fill(popular_order, popular_count, ignore_caps=False)
        self._fill(popular_order, popular_count, ignore_caps=False)
        if len(self._empty()) and len(self._policy.cap_limits):
            self._is_relaxed = True
            self._put_ranked(self._take(self._candidates, len(self._empty()), ignore_caps=True))
            self._fill(popular_order, popular_count, ignore_caps=True)

    def score_fillers(self) -> None:
        """Items that are no candidates score below all others, in their order."""
        unscored = np.flatnonzero(np.isnan(self.scores))
        if len(unscored):
            floor = np.nanmin(self.scores) if len(unscored) < len(self.scores) else 0.0
            self.scores[unscored] = floor - 1.0 - np.arange(len(unscored))

    @contextmanager
    def _without_low_stock(self) -> Iterator[None]:
        """Inside the context, items of low stock are not available."""
        low_stock = self._policy.low_stock
        before = self._left[low_stock]
        self._left[low_stock] = False
        try:
            yield
        finally:
            self._left[low_stock] = before

    def _empty(self) -> np.ndarray:
        return np.flatnonzero(self.items < 0)

    def _take(self, order: np.ndarray, wanted: int, ignore_caps: bool = False) -> np.ndarray:
        """Positions in `order` of the first `wanted` items that are left; the caps count them as shown."""
        groups, limits = self._policy.cap_groups, self._policy.cap_limits
        return _taken(order, self._left, groups, limits, self._counts, wanted, ignore_caps)

    def _put(self, slots: np.ndarray, items: np.ndarray, scores: np.ndarray | list[float], origin: str) -> None:
        self.items[slots] = items
        self.scores[slots] = scores
        for slot in slots.tolist():
            self.origins[slot] = origin

    def _put_ranked(self, chosen: np.ndarray) -> None:
        self._put(self._empty()[: len(chosen)], self._candidates[chosen], self._candidate_scores[chosen], RANKED)

    def _fill(self, popular_order: np.ndarray, popular_count: int, ignore_caps: bool) -> None:
        empty = self._empty()
        if not len(empty):
            return
        chosen = self._take(popular_order, len(empty), ignore_caps)
        items, unscored, is_popular = popular_order[chosen], np.full(len(chosen), np.nan), chosen < popular_count
        slots = empty[: len(chosen)]
        self._put(slots, items, unscored, ANY_ITEM)
        for slot in slots[is_popular].tolist():
            self.origins[slot] = POPULAR

    def _score_of(self, item: int) -> float:
        found = np.flatnonzero(self._candidates == item)
        return float(self._candidate_scores[found[0]]) if len(found) else np.nan


def _policy_scores(items: np.ndarray, scores: np.ndarray, policy: CompiledPolicy) -> np.ndarray:
    """The scores after boosts and diversity, both in standard deviations of the scores."""
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


def _explored_slots(empty: np.ndarray, policy: CompiledPolicy) -> np.ndarray:
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
    ignore_caps: bool,
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
        if not is_allowed and not ignore_caps:
            continue
        for cap in range(len(limits)):
            if groups[cap, item] >= 0:
                counts[cap, groups[cap, item]] += 1
        left[item] = False
        taken[found] = place
        found += 1
    return taken[:found]
