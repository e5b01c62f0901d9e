"""User history: the interactions of one user at one time, the input of all later stages."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple, TypeVar

import numpy as np

from recsys.data.interactions import KINDS
from recsys.kernels.jit import jit

ORDER: Final = KINDS.index("order")
KIND_WEIGHTS: Final = np.array([1.0, 3.0, 6.0], np.float32)  # view, cart, order
HALF_LIFE_DAYS: Final = 30.0  # of that interest
RECENT: Final = 50  # interactions in `UserHistory.recent` at most
NEVER_DAYS: Final = 9999.0  # the age of what never happened

Result = TypeVar("Result")


class UserItemAggregates(NamedTuple):
    """A user's interactions per distinct item, in the order of the first interaction; one entry per item."""

    items: np.ndarray  # int32
    counts: np.ndarray  # (items, kinds) float32
    interest: np.ndarray  # float32: kind weights, halved every HALF_LIFE_DAYS
    last_days: np.ndarray  # float32: since the last interaction
    last_order_days: np.ndarray  # float32: NEVER_DAYS if not ordered
    session_counts: np.ndarray  # float32: interactions in the present session
    session_steps: np.ndarray  # float32: steps back to the last one in the session, 0 the latest; NEVER_DAYS if none


@dataclass(frozen=True)
class UserHistory:
    """The known interactions of one user, oldest first.

    `items` (entries,) int32; `kinds` (entries,) uint8, an index into KINDS; `ages` (entries,) float32, days before the
    request. Entries from `session_start` on belong to the present session. `customer` is the user's index among the
    customers, -1 if unknown. `cutoff` is the number of sessions in the log that had ended by the time of the request;
    later ones must not be read.
    """

    items: np.ndarray
    kinds: np.ndarray
    ages: np.ndarray
    session_start: int
    customer: int
    cutoff: int

    @property
    def is_cold_start(self) -> bool:
        """Whether the user has no known interaction."""
        return not len(self.items)

    @property
    def in_session(self) -> bool:
        """Whether the user is in a session now."""
        return self.session_start < len(self.items)

    @property
    def recent(self) -> np.ndarray:
        """The items of the present session, else of the latest history; (steps,) int32, oldest first."""
        return self.items[max(self.session_start, len(self.items) - RECENT) if self.in_session else -RECENT :]

    def derived(self, compute: Callable[["UserHistory"], Result]) -> Result:
        """`compute(self)`, computed once: the stages of one request share it."""
        if compute not in self._derived:
            self._derived[compute] = compute(self)
        return self._derived[compute]

    @cached_property
    def _derived(self) -> dict[object, Any]:
        return {}

    @cached_property
    def aggregates(self) -> UserItemAggregates:
        """The interactions per distinct item."""
        return UserItemAggregates(*_aggregates(self.items, self.kinds, self.ages, self.session_start, KIND_WEIGHTS))


@jit
def _aggregates(
    items: np.ndarray, kinds: np.ndarray, ages: np.ndarray, session: int, kind_weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    size = len(items)
    order = np.argsort(items, kind="mergesort")
    place = np.empty(size, np.int64)  # of each entry's item among the distinct ones, numbered by first occurrence
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
    session_counts = np.zeros(distinct, np.float32)
    session_steps = np.full(distinct, NEVER_DAYS, np.float32)
    for entry in range(size):
        at, kind, age = place[entry], kinds[entry], ages[entry]
        found[at] = items[entry]
        counts[at, kind] += 1
        interest[at] += kind_weights[kind] * 2.0 ** (-age / HALF_LIFE_DAYS)
        last_days[at] = min(last_days[at], age)
        if kind == ORDER:
            last_order_days[at] = min(last_order_days[at], age)
        if entry >= session:
            session_counts[at] += 1
            session_steps[at] = size - 1 - entry
    return found, counts, interest, last_days, last_order_days, session_counts, session_steps
