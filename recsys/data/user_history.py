"""A shopper: one history at one moment, the form in which everything downstream sees a person."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np

from recsys.data.interactions import KINDS
from recsys.kernels.jit import compiled

ORDER: Final = KINDS.index("order")
KIND_WEIGHTS: Final = np.array([1.0, 3.0, 6.0], np.float32)  # view, cart, order: how much interest each one shows
HALF_LIFE_DAYS: Final = 30.0  # of that interest
RECENT: Final = 50  # interactions that are looked at one by one, in their order
NEVER_DAYS: Final = 9999.0  # the age of what never happened


class Touches(NamedTuple):
    """The distinct items of a history, in the order of their first touch; each array has one entry per item."""

    items: np.ndarray  # int32
    counts: np.ndarray  # (touched, kinds) float32
    interest: np.ndarray  # float32: kind weights, halved every HALF_LIFE_DAYS
    last_days: np.ndarray  # float32: since the last interaction
    last_order_days: np.ndarray  # float32: NEVER_DAYS if not ordered
    visit_counts: np.ndarray  # float32: interactions in the visit under way
    visit_steps: np.ndarray  # float32: steps back to the last one in the visit, 0 the latest; NEVER_DAYS if none


@dataclass(frozen=True)
class Shopper:
    """What is known of one person; entries are oldest first.

    `items` (entries,) int32; `kinds` (entries,) uint8, a place in KINDS; `ages` (entries,) float32, days before the
    moment of the question. Entries from `visit` on belong to the visit under way. `customer` is the person's place
    among the customers, -1 for a stranger. Only visits that ended before the moment may be looked at: the first
    `cutoff` of the visit log.
    """

    items: np.ndarray
    kinds: np.ndarray
    ages: np.ndarray
    visit: int
    customer: int
    cutoff: int

    @property
    def is_stranger(self) -> bool:
        """Whether nothing is known."""
        return not len(self.items)

    @property
    def in_visit(self) -> bool:
        """Whether a visit is under way."""
        return self.visit < len(self.items)

    @property
    def recent(self) -> np.ndarray:
        """The items of the visit under way, else of the latest history; (steps,) int32, oldest first."""
        return self.items[max(self.visit, len(self.items) - RECENT) if self.in_visit else -RECENT :]

    @cached_property
    def touches(self) -> Touches:
        """What was done with each item."""
        return Touches(*_touches(self.items, self.kinds, self.ages, self.visit, KIND_WEIGHTS))


@compiled
def _touches(
    items: np.ndarray, kinds: np.ndarray, ages: np.ndarray, visit: int, kind_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    size = len(items)
    order = np.argsort(items, kind="mergesort")
    place = np.empty(size, np.int64)  # of each entry's item among the distinct ones, numbered by first touch
    first = np.empty(size, np.int64)
    for i in range(size):
        first[order[i]] = order[i] if i == 0 or items[order[i]] != items[order[i - 1]] else first[order[i - 1]]
    distinct = 0
    for entry in range(size):
        if first[entry] == entry:
            place[entry] = distinct
            distinct += 1
        else:
            place[entry] = place[first[entry]]
    found = np.empty(distinct, np.int32)
    counts = np.zeros((distinct, len(kind_weights)), np.float32)
    interest = np.zeros(distinct, np.float32)
    last_days = np.full(distinct, NEVER_DAYS, np.float32)
    last_order_days = np.full(distinct, NEVER_DAYS, np.float32)
    visit_counts = np.zeros(distinct, np.float32)
    visit_steps = np.full(distinct, NEVER_DAYS, np.float32)
    for entry in range(size):
        at, kind, age = place[entry], kinds[entry], ages[entry]
        found[at] = items[entry]
        counts[at, kind] += 1
        interest[at] += kind_weights[kind] * 2.0 ** (-age / HALF_LIFE_DAYS)
        last_days[at] = min(last_days[at], age)
        if kind == ORDER:
            last_order_days[at] = min(last_order_days[at], age)
        if entry >= visit:
            visit_counts[at] += 1
            visit_steps[at] = size - 1 - entry
    return found, counts, interest, last_days, last_order_days, visit_counts, visit_steps
