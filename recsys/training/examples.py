"""Training and evaluation examples: a customer at a time in the past, and the items that this customer chose next."""

import zlib
from dataclasses import dataclass, replace
from typing import Final, Self

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.interactions import KINDS, Interactions
from recsys.data.sessions import SessionLog, session_starts
from recsys.data.user_history import UserHistory
from recsys.training.time_split import Window

VIEW: Final = KINDS.index("view")


@dataclass(frozen=True)
class Examples:
    """Example i is a customer at a time, with every earlier interaction known and the next choice as targets.

    All arrays are (examples,): `customers`; `session_starts`, the place in the interactions where the session under way
    began; `history_ends`, one past the last interaction that is known; `timestamps`, seconds since 1970 UTC;
    `known_until`, up to when the sessions of others are known; `context_items`, an item whose page is open without
    having been recorded, or -1. The distinct target items of example i are
    targets[target_offsets[i] : target_offsets[i + 1]]. `allowed` (items,) bool are the items that could be shown; those
    that nobody knew yet could not.
    """

    interactions: Interactions
    customers: np.ndarray
    session_starts: np.ndarray
    history_ends: np.ndarray
    timestamps: np.ndarray
    known_until: np.ndarray
    context_items: np.ndarray
    target_offsets: np.ndarray
    targets: np.ndarray
    allowed: np.ndarray

    @classmethod
    def next_period(cls, interactions: Interactions, window: Window, kind: int) -> Self:
        """Customers at the window's start, outside a session; the targets are what of `kind` they chose inside it."""
        rows, times = interactions.rows, interactions.times
        chosen = np.flatnonzero((interactions.kinds == kind) & (times >= window.start) & (times < window.stop))
        customers, offsets, targets = _distinct(rows[chosen], interactions.items[chosen])
        before = np.bincount(rows[times < window.start], minlength=len(interactions.customers))
        ends = (interactions.offsets[:-1] + before)[customers]
        starts = np.full(len(customers), window.start)
        no_context = np.full(len(customers), -1)
        allowed = np.ones(interactions.item_count, bool)
        return cls(interactions, customers, ends, ends, starts, starts, no_context, offsets, targets, allowed)

    @classmethod
    def next_item(
        cls, interactions: Interactions, window: Window, kind: int, seed: int, stale_days: float = 0.0
    ) -> Self:
        """Times inside the window's sessions; the targets are what of `kind` the session chose next.

        Where views are predicted, every view but a session's first is a target, asked for after the view before it.
        Carts and orders are asked for at a time, drawn at random, of the session that led to them. Where nothing led to
        them, one of the chosen items is the context item and the others are the targets. A bundle has some age when it
        answers: so what is known of others ends up to `stale_days` before the example's time.
        """
        random = np.random.default_rng(seed)
        times = interactions.times
        starts = session_starts(interactions)
        session = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(interactions))))
        inside = (times[starts] >= window.start)[session] & (times < window.stop)
        chosen = np.flatnonzero((interactions.kinds == kind) & inside)
        # One example per (session, second): the lines of an order share the time at which it was placed.
        is_first = np.ones(len(chosen), bool)
        is_first[1:] = (np.diff(session[chosen]) > 0) | (np.diff(times[chosen]) > 0)
        number, offsets, targets = _distinct(np.cumsum(is_first) - 1, interactions.items[chosen])
        first = chosen[is_first][number]
        begins = starts[session[first]]
        ends = _first_of_second(interactions, begins, first)
        led = ends > begins
        if kind != VIEW:
            ends = np.where(led, begins + 1 + (random.random(len(ends)) * (ends - begins)).astype(np.int64), ends)
        timestamps = np.where(led, times[np.maximum(ends - 1, 0)], times[first])
        lags = (random.random(len(timestamps)) * stale_days * SECONDS_PER_DAY).astype(np.int64)
        known_until = np.minimum(timestamps, np.maximum(timestamps - lags, window.start))
        no_context = np.full(len(first), -1)
        rows = interactions.rows[first]
        allowed = np.ones(interactions.item_count, bool)
        examples = cls(interactions, rows, begins, ends, timestamps, known_until, no_context, offsets, targets, allowed)
        return examples._with_context_items(~led, random)

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def target_rows(self) -> np.ndarray:
        """The example of each target, (targets,) int64."""
        return np.repeat(np.arange(len(self)), np.diff(self.target_offsets))

    @property
    def target_keys(self) -> np.ndarray:
        """(targets,) int64: example * item_count + item, as RankedLists takes them."""
        return self.target_rows * self.interactions.item_count + self.targets

    @property
    def has_history(self) -> np.ndarray:
        """(examples,) bool: whether anything is known of the customer; the context item counts."""
        return (self.history_ends > self.interactions.offsets[self.customers]) | (self.context_items >= 0)

    def where(self, mask: np.ndarray) -> Self:
        """The examples of `mask` (examples,) bool."""
        sizes = np.diff(self.target_offsets)[mask]
        names = ("customers", "session_starts", "history_ends", "timestamps", "known_until", "context_items")
        columns = {name: getattr(self, name)[mask] for name in names}
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        return replace(self, **columns, target_offsets=offsets, targets=self.targets[mask[self.target_rows]])

    def among(self, allowed: np.ndarray) -> Self:
        """The same examples, of which only `allowed` (items,) bool could be shown."""
        return replace(self, allowed=self.allowed & allowed)

    def sampled(self, limit: int, seed: int) -> Self:
        """At most `limit` examples, by a hash of customer and time, so that one more example changes little."""
        if len(self) <= limit:
            return self
        ids = [self.interactions.customers.value(customer) for customer in self.customers.tolist()]
        hashes = [zlib.crc32(f"{i} {t}".encode(), seed) for i, t in zip(ids, self.timestamps.tolist(), strict=True)]
        mask = np.zeros(len(self), bool)
        mask[np.argsort(hashes, kind="stable")[:limit]] = True
        return self.where(mask)

    def targets_of(self, example: int) -> np.ndarray:
        """The example's distinct target items, (targets,) int32."""
        return self.targets[self.target_offsets[example] : self.target_offsets[example + 1]]

    def eligible(self, example: int) -> np.ndarray:
        """(items,) bool, a new array: what could be shown but the context item, which is not to be predicted."""
        mask = self.allowed.copy()
        if self.context_items[example] >= 0:
            mask[self.context_items[example]] = False
        return mask

    def user(self, example: int, log: SessionLog, limit: int) -> UserHistory:
        """The example's user, with the latest `limit` interactions."""
        customer, timestamp = int(self.customers[example]), int(self.timestamps[example])
        end, context_item = int(self.history_ends[example]), self.context_items[example]
        start = max(int(self.interactions.offsets[customer]), end - limit)
        session = max(int(self.session_starts[example]), start)
        items, kinds = self.interactions.items[start:end], self.interactions.kinds[start:end]
        ages = ((timestamp - self.interactions.times[start:end]) / SECONDS_PER_DAY).astype(np.float32)
        ages[session - start :] = 0.0  # what happens in the session under way happens now, as in a request
        if context_item >= 0:
            items, kinds = np.append(items, np.int32(context_item)), np.append(kinds, np.uint8(VIEW))
            ages = np.append(ages, np.float32(0))
        cutoff = log.cutoff(int(self.known_until[example]))
        return UserHistory(items, kinds, ages, session - start, customer, cutoff)

    def _with_context_items(self, needed: np.ndarray, random: np.random.Generator) -> Self:
        """The same, but one target of each `needed` example becomes its context item; without one left, it is dropped.

        `needed` (examples,) bool.
        """
        sizes = np.diff(self.target_offsets)
        place = self.target_offsets[:-1] + (random.random(len(self)) * sizes).astype(np.int64)
        drawn = needed & (sizes > 1)
        kept = np.ones(len(self.targets), bool)
        kept[place[drawn]] = False
        context_items = np.full(len(self), -1, np.int64)
        context_items[drawn] = self.targets[place[drawn]]
        offsets = np.concatenate([[0], np.cumsum(sizes - drawn)])
        targets = self.targets[kept]
        changed = replace(self, context_items=context_items, target_offsets=offsets, targets=targets)
        return changed.where(~needed | drawn)


def _distinct(rows: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct rows, and each one's distinct items as offsets and values."""
    width = int(items.max(initial=0)) + 1
    keys = np.unique(rows.astype(np.int64) * width + items)
    found, counts = np.unique(keys // width, return_counts=True)
    return found, np.concatenate([[0], np.cumsum(counts)]), (keys % width).astype(np.int32)


def _first_of_second(interactions: Interactions, begins: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The first interaction of the same session and second as each of `places`."""
    rows, times = interactions.rows, interactions.times
    is_first = np.ones(len(interactions), bool)
    is_first[1:] = (rows[1:] != rows[:-1]) | (times[1:] != times[:-1])
    return np.maximum(np.maximum.accumulate(np.where(is_first, np.arange(len(times)), 0))[places], begins)
