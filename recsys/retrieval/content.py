"""Content-based retrieval: cold items that resemble the user's items by their catalogue fields.

Each item is a bag of tokens: its category, brand, attributes, price class and the words of its name. Tokens are
weighted by TF-IDF and hashed into a fixed number of buckets (Weinberger et al., "Feature hashing for large scale
multitask learning", 2009), so a new item can be compared at once. Only cold items are retrieved this way: for others,
behaviour predicts better. It fails where the catalogue has no fields beyond the id.
"""

import re
import zlib
from collections.abc import Iterator
from typing import Any, ClassVar, Final, Self

import numpy as np

from recsys.data.catalogue import Items
from recsys.data.item_counts import ItemCounters
from recsys.data.user_history import UserHistory, UserItemAggregates
from recsys.kernels.jit import jit, jit_inline, read_only
from recsys.kernels.thread_local import ThreadLocal
from recsys.parameters import RecommendParameters
from recsys.retrieval.candidate_pool import CandidatePool, row_in
from recsys.retrieval.protocol import Column, FitData

BUCKETS: Final = 1 << 18
MAX_TOKENS: Final = 40  # per item
COLD_CUSTOMERS: Final = 5.0  # customers in four weeks; an item with fewer is cold
PER_TOKEN: Final = 50  # cold items that are read per token, the newest first
MOST_COLD: Final = 200  # cold items that are scored per request, those of the profile's largest weights first
PROFILE_ITEMS: Final = 20  # items with the most interest, which make up the user's profile
_WORD: Final = re.compile(r"\w{3,}")
_ARRAYS: Final = ("offsets", "tokens", "weights", "rarity", "cold_offsets", "cold_items")


class Content:
    """Each item's tokens, and an inverted index of the cold items by token.

    Item i's tokens are offsets[i] : offsets[i + 1] of `tokens` int32, with `weights` float32 of Euclidean norm 1;
    `rarity` (BUCKETS,) float32 is the inverse document frequency. Token t's cold items, newest first, are
    cold_items[cold_offsets[t] : cold_offsets[t + 1]].
    """

    name: ClassVar[str] = "content"

    def __init__(
        self,
        offsets: np.ndarray,
        tokens: np.ndarray,
        weights: np.ndarray,
        rarity: np.ndarray,
        cold_offsets: np.ndarray,
        cold_items: np.ndarray,
    ) -> None:
        self.offsets, self.tokens, self.weights = read_only(offsets), read_only(tokens), read_only(weights)
        self.rarity, self.cold_offsets, self.cold_items = (
            read_only(rarity),
            read_only(cold_offsets),
            read_only(cold_items),
        )
        self._wanted = ThreadLocal(lambda: np.zeros(BUCKETS, np.float32))

    @classmethod
    def fit(cls, state: FitData) -> Self:
        bags = [tokens_of(state.items, item) for item in range(len(state.items))]
        offsets, tokens = _flat(bags)
        rarity = np.log((1.0 + len(bags)) / (1.0 + np.bincount(tokens, minlength=BUCKETS))).astype(np.float32)
        return cls._of(offsets, tokens, rarity, state.counters)

    @staticmethod
    def columns(parameters: RecommendParameters) -> tuple[Column, ...]:
        return (Column("content", limit=parameters.candidates_cold, weight=0.2),)

    def retrieve(self, user: UserHistory, eligible: np.ndarray, pool: CandidatePool, first: int) -> None:
        if len(self.cold_items):
            profile, weights = user.derived(self.profile_of)
            _retrieve(
                profile,
                weights,
                self._wanted.get(),
                self.cold_offsets,
                self.cold_items,
                self.offsets,
                self.tokens,
                self.weights,
                pool,
                first,
            )

    def cosines(self, profile: np.ndarray, weights: np.ndarray, items: np.ndarray) -> np.ndarray:
        """(items,) float32: the similarity of each item to a profile of tokens and their weights."""
        out = np.zeros(len(items), np.float32)
        if len(self.tokens):
            _score(profile, weights, self._wanted.get(), items, self.offsets, self.tokens, self.weights, out)
        return out

    def most_similar(self, item: int, eligible: np.ndarray, k: int, found: int) -> dict[int, float]:
        """Cosines of the eligible items most similar to `item`: of cold items, or of all if fewer than `k` are `found`.

        `found` is the number of similar items that other sources have found.
        """
        span = slice(self.offsets[item], self.offsets[item + 1])
        if span.start == span.stop:
            return {}
        order = np.argsort(self.tokens[span])
        profile = (self.tokens[span][order], self.weights[span][order])
        among = np.unique(np.concatenate([self._cold_of(token) for token in profile[0].tolist()]))
        if found < k:
            among = np.arange(len(self.offsets) - 1)
        among = among[eligible[among]]
        cosines = self.cosines(*profile, among)
        best = np.argsort(-cosines, kind="stable")[:k]
        best = best[cosines[best] > 0]
        return dict(zip(among[best].tolist(), cosines[best].tolist(), strict=True))

    def _cold_of(self, token: int) -> np.ndarray:
        start = int(self.cold_offsets[token])
        return self.cold_items[start : min(int(self.cold_offsets[token + 1]), start + PER_TOKEN)]

    def resized(self, items: Items, counters: ItemCounters) -> Self:
        """The same token weights for a catalogue to which items were appended."""
        known = len(self.offsets) - 1
        offsets, tokens = _flat([tokens_of(items, item) for item in range(known, len(items))])
        joined = np.concatenate([self.offsets, self.offsets[-1] + offsets[1:]])
        return self._of(joined, np.concatenate([self.tokens, tokens]), self.rarity, counters)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"content_{name}": getattr(self, name) for name in _ARRAYS}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any], parameters: RecommendParameters) -> Self:
        return cls(*(np.asarray(arrays[f"content_{name}"]) for name in _ARRAYS))

    @classmethod
    def _of(cls, offsets: np.ndarray, tokens: np.ndarray, rarity: np.ndarray, counters: ItemCounters) -> Self:
        rows = np.repeat(np.arange(len(offsets) - 1), np.diff(offsets))
        lengths = np.sqrt(np.bincount(rows, rarity[tokens] ** 2, minlength=len(offsets) - 1))
        weights = (rarity[tokens] / np.maximum(lengths, 1e-9)[rows]).astype(np.float32)
        cold = np.flatnonzero((counters.touched < COLD_CUSTOMERS)[rows])
        # By token, newest first; an item without interactions has age 0, so it comes first.
        cold = cold[np.lexsort((-rows[cold], counters.age_days[rows[cold]], tokens[cold]))]
        cold_offsets = np.concatenate([[0], np.cumsum(np.bincount(tokens[cold], minlength=BUCKETS))])
        return cls(offsets, tokens, weights, rarity, cold_offsets, rows[cold].astype(np.int32))

    def profile_of(self, user: UserHistory) -> tuple[np.ndarray, np.ndarray]:
        """The tokens of the user's main items, and their weights."""
        return _profile(user.aggregates, self.offsets, self.tokens, self.weights)


def tokens_of(items: Items, item: int) -> list[int]:
    """The distinct buckets of an item's tokens, at most MAX_TOKENS."""
    buckets = dict.fromkeys(zlib.crc32(token.encode()) % BUCKETS for token in _tokens(items, item))
    return list(buckets)[:MAX_TOKENS]


def _tokens(items: Items, item: int) -> Iterator[str]:
    if items.category[item] >= 0:
        yield f"category={items.categories.value(int(items.category[item]))}"
    if items.brand[item] >= 0:
        yield f"brand={items.brands.value(int(items.brand[item]))}"
    if 0 < items.price[item] < np.inf:
        yield f"price={round(2 * float(np.log2(items.price[item])))}"  # each class is a factor of 1.4 wide
    for name, value in items.attributes.texts_of(item).items():
        yield f"{name}={value}"
    name = items.names.value(item)
    if name != items.ids.value(item):
        yield from _WORD.findall(name.lower())


def _flat(bags: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    offsets = np.concatenate([[0], np.cumsum([len(bag) for bag in bags], dtype=np.int64)]).astype(np.int64)
    return offsets, np.array([token for bag in bags for token in bag], np.int32)


@jit
def _profile(
    aggregates: UserItemAggregates, offsets: np.ndarray, tokens: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The sorted distinct tokens of the user's main items, and their weights of Euclidean norm 1."""
    chosen = np.argsort(-aggregates.interest, kind="mergesort")[:PROFILE_ITEMS]
    size = 0
    for place in chosen:
        size += offsets[aggregates.items[place] + 1] - offsets[aggregates.items[place]]
    found, amounts = np.empty(size, np.int32), np.empty(size, np.float32)
    count = 0
    for place in chosen:
        for entry in range(offsets[aggregates.items[place]], offsets[aggregates.items[place] + 1]):
            found[count], amounts[count] = tokens[entry], weights[entry] * aggregates.interest[place]
            count += 1
    order = np.argsort(found, kind="mergesort")
    last, total = -1, 0.0
    for place in order:
        if last >= 0 and found[order[last]] == found[place]:
            amounts[order[last]] += amounts[place]
        else:
            last += 1
            order[last] = place
    order = order[: last + 1]
    for place in order:
        total += amounts[place] * amounts[place]
    return found[order], amounts[order] / np.float32(np.sqrt(total)) if total > 0 else amounts[order]


@jit_inline
def _similarity(wanted: np.ndarray, tokens: np.ndarray, weights: np.ndarray, start: int, stop: int) -> float:
    found = 0.0
    for entry in range(start, stop):
        found += wanted[tokens[entry]] * weights[entry]
    return found


@jit
def _retrieve(
    profile: np.ndarray,
    profile_weights: np.ndarray,
    wanted: np.ndarray,
    cold_offsets: np.ndarray,
    cold_items: np.ndarray,
    offsets: np.ndarray,
    tokens: np.ndarray,
    weights: np.ndarray,
    pool: CandidatePool,
    first: int,
) -> None:
    """Score cold items; `wanted` (BUCKETS,) float32 is a buffer of zeros, before and after."""
    wanted[profile] = profile_weights
    compared = 0
    item_rows, rows, size = pool.item_rows, pool.items, pool.size
    scores = pool.scores[first]
    for place in np.argsort(-profile_weights, kind="mergesort"):
        if compared == MOST_COLD:
            break
        token = profile[place]
        start = cold_offsets[token]
        stop = min(cold_offsets[token + 1], start + PER_TOKEN)
        for entry in range(start, stop):
            item = cold_items[entry]
            if compared == MOST_COLD:
                break
            row = row_in(item, item_rows, rows, size)
            if scores[row] == 0:
                scores[row] = _similarity(wanted, tokens, weights, offsets[item], offsets[item + 1])
                compared += 1
    wanted[profile] = 0.0


@jit
def _score(
    profile: np.ndarray,
    profile_weights: np.ndarray,
    wanted: np.ndarray,
    candidates: np.ndarray,
    offsets: np.ndarray,
    tokens: np.ndarray,
    weights: np.ndarray,
    out: np.ndarray,
) -> None:
    wanted[profile] = profile_weights
    for row in range(len(candidates)):
        item = candidates[row]
        out[row] = _similarity(wanted, tokens, weights, offsets[item], offsets[item + 1])
    wanted[profile] = 0.0
