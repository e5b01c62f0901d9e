"""Cases: moments of the past at which a shopper could have been asked for, and what that shopper chose next."""

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
class Cases:
    """Case i is a customer at a moment, with everything before it known and the next choice as target.

    All arrays are (cases,): `customers`; `visits`, the place in the interactions where the visit under way began;
    `cuts`, one past the last interaction that is known; `moments`, seconds since 1970 UTC; `known_until`, up to when
    the visits of others are known; `cues`, an item whose page is open without having been recorded, or -1. The distinct
    target items of case i are targets[target_offsets[i] : target_offsets[i + 1]].
    """

    interactions: Interactions
    customers: np.ndarray
    visits: np.ndarray
    cuts: np.ndarray
    moments: np.ndarray
    known_until: np.ndarray
    cues: np.ndarray
    target_offsets: np.ndarray
    targets: np.ndarray

    @classmethod
    def at_start(cls, interactions: Interactions, window: Window, kind: int) -> Self:
        """Customers at the window's first instant, with what of `kind` they chose inside it; no visit is under way."""
        rows, times = interactions.rows, interactions.times
        chosen = np.flatnonzero((interactions.kinds == kind) & (times >= window.start) & (times < window.stop))
        customers, offsets, targets = _distinct(rows[chosen], interactions.items[chosen])
        before = np.bincount(rows[times < window.start], minlength=len(interactions.customers))
        cuts = (interactions.offsets[:-1] + before)[customers]
        moments = np.full(len(customers), window.start)
        cues = np.full(len(customers), -1)
        return cls(interactions, customers, cuts, cuts, moments, moments, cues, offsets, targets)

    @classmethod
    def in_visits(
        cls, interactions: Interactions, window: Window, kind: int, seed: int, stale_days: float = 0.0
    ) -> Self:
        """Moments inside the window's visits, with what of `kind` the visit chose next.

        Where views are predicted, every view but a visit's first is the next choice of the moment before it. Carts and
        orders are predicted from some moment, drawn at random, of the visit that led to them; where nothing led to
        them, one of the chosen items is the open page, the cue, and the others are to be found. A bundle is some time
        old when it answers: so what is known of others ends up to `stale_days` before the moment.
        """
        random = np.random.default_rng(seed)
        times = interactions.times
        starts = session_starts(interactions)
        visit = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(interactions))))
        inside = (times[starts] >= window.start)[visit] & (times < window.stop)
        chosen = np.flatnonzero((interactions.kinds == kind) & inside)
        # One case per (visit, second): the lines of an order share the moment at which it was placed.
        is_first = np.ones(len(chosen), bool)
        is_first[1:] = (np.diff(visit[chosen]) > 0) | (np.diff(times[chosen]) > 0)
        number, offsets, targets = _distinct(np.cumsum(is_first) - 1, interactions.items[chosen])
        first = chosen[is_first][number]
        begins = starts[visit[first]]
        ends = _first_of_second(interactions, begins, first)
        led = ends > begins
        if kind != VIEW:
            ends = np.where(led, begins + 1 + (random.random(len(ends)) * (ends - begins)).astype(np.int64), ends)
        moments = np.where(led, times[np.maximum(ends - 1, 0)], times[first])
        lags = (random.random(len(moments)) * stale_days * SECONDS_PER_DAY).astype(np.int64)
        known_until = np.minimum(moments, np.maximum(moments - lags, window.start))
        no_cues = np.full(len(first), -1)
        rows = interactions.rows[first]
        cases = cls(interactions, rows, begins, ends, moments, known_until, no_cues, offsets, targets)
        return cases._with_cues(~led, random)

    def __len__(self) -> int:
        return len(self.customers)

    @property
    def target_rows(self) -> np.ndarray:
        """The case of each target, (targets,) int64."""
        return np.repeat(np.arange(len(self)), np.diff(self.target_offsets))

    def where(self, mask: np.ndarray) -> Self:
        """The cases of `mask` (cases,) bool."""
        sizes = np.diff(self.target_offsets)[mask]
        columns = {
            name: getattr(self, name)[mask]
            for name in ("customers", "visits", "cuts", "moments", "known_until", "cues")
        }
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        return replace(self, **columns, target_offsets=offsets, targets=self.targets[mask[self.target_rows]])

    def with_history(self) -> Self:
        """The cases of shoppers of whom something is known."""
        return self.where((self.cuts > self.interactions.offsets[self.customers]) | (self.cues >= 0))

    def sampled(self, limit: int, seed: int) -> Self:
        """At most `limit` cases, chosen by a hash of customer and moment, so that one more case changes little."""
        if len(self) <= limit:
            return self
        ids = [self.interactions.customers.value(customer) for customer in self.customers.tolist()]
        hashes = [zlib.crc32(f"{i} {m}".encode(), seed) for i, m in zip(ids, self.moments.tolist(), strict=True)]
        mask = np.zeros(len(self), bool)
        mask[np.argsort(hashes, kind="stable")[:limit]] = True
        return self.where(mask)

    def shopper(self, case: int, log: SessionLog, limit: int) -> UserHistory:
        """The case's shopper, with the latest `limit` interactions."""
        customer, cut, moment = int(self.customers[case]), int(self.cuts[case]), int(self.moments[case])
        start = max(int(self.interactions.offsets[customer]), cut - limit)
        visit = max(int(self.visits[case]), start)
        items, kinds = self.interactions.items[start:cut], self.interactions.kinds[start:cut]
        ages = ((moment - self.interactions.times[start:cut]) / SECONDS_PER_DAY).astype(np.float32)
        ages[visit - start :] = 0.0  # what happens in a visit happens now, as in a request
        if self.cues[case] >= 0:
            items, kinds = np.append(items, np.int32(self.cues[case])), np.append(kinds, np.uint8(VIEW))
            ages = np.append(ages, np.float32(0))
        return UserHistory(items, kinds, ages, visit - start, customer, log.cutoff(int(self.known_until[case])))

    def _with_cues(self, needed: np.ndarray, random: np.random.Generator) -> Self:
        """The same, where of each `needed` case's targets one becomes the cue; a case with one target is left out."""
        sizes = np.diff(self.target_offsets)
        place = self.target_offsets[:-1] + (random.random(len(self)) * sizes).astype(np.int64)
        cued = needed & (sizes > 1)
        kept = np.ones(len(self.targets), bool)
        kept[place[cued]] = False
        cues = np.full(len(self), -1, np.int64)
        cues[cued] = self.targets[place[cued]]
        offsets = np.concatenate([[0], np.cumsum(sizes - cued)])
        return replace(self, cues=cues, target_offsets=offsets, targets=self.targets[kept]).where(~needed | cued)


def _distinct(rows: np.ndarray, items: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The distinct rows, and each one's distinct items as offsets and values."""
    width = int(items.max(initial=0)) + 1
    keys = np.unique(rows.astype(np.int64) * width + items)
    found, counts = np.unique(keys // width, return_counts=True)
    return found, np.concatenate([[0], np.cumsum(counts)]), (keys % width).astype(np.int32)


def _first_of_second(interactions: Interactions, begins: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The first interaction of the same visit and second as each of `places`."""
    rows, times = interactions.rows, interactions.times
    is_first = np.ones(len(interactions), bool)
    is_first[1:] = (rows[1:] != rows[:-1]) | (times[1:] != times[:-1])
    return np.asarray(np.maximum(np.maximum.accumulate(np.where(is_first, np.arange(len(times)), 0))[places], begins))
