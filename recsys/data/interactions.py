"""Interactions: what each customer viewed, put into a cart and ordered, oldest first."""

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np

from recsys.data.vocabulary import Vocabulary
from recsys.kernels.pair_counts import Pairs

SECONDS_PER_DAY: Final = 86_400
_SCATTER: Final = np.uint64(2654435761)  # Knuth's multiplicative hash


@dataclass(frozen=True)
class Interactions:
    """Every customer's history in one flat table, sorted by customer, then time.

    `offsets` (customers + 1,) int64; `items` (interactions,) int32; `kinds` (interactions,) uint8, a place in KINDS;
    `times` (interactions,) int64, seconds since 1970 UTC. `item_count` is the size of the catalogue.
    """

    customers: Vocabulary
    item_count: int
    offsets: np.ndarray
    items: np.ndarray
    kinds: np.ndarray
    times: np.ndarray

    @classmethod
    def of(
        cls,
        customers: Vocabulary,
        item_count: int,
        customer: np.ndarray,
        item: np.ndarray,
        kind: np.ndarray,
        time: np.ndarray,
    ) -> Self:
        """From one entry per interaction, in any order; the same entries in another order give the same histories."""
        assert len(customer) == len(item) == len(kind) == len(time)
        assert not len(item) or 0 <= item.min() <= item.max() < item_count
        # The lines of one order share a second: items are scattered, or alphabetical neighbours would be paired more.
        scattered = (item.astype(np.uint64) * _SCATTER) & np.uint64(0xFFFFFFFF)
        order = np.lexsort((kind, scattered, time, customer))
        offsets = np.zeros(len(customers) + 1, np.int64)
        np.cumsum(np.bincount(customer, minlength=len(customers)), out=offsets[1:])
        columns = (item.astype(np.int32), kind.astype(np.uint8), time.astype(np.int64))
        return cls(customers, item_count, offsets, *(column[order] for column in columns))

    def __len__(self) -> int:
        return len(self.items)

    @property
    def rows(self) -> np.ndarray:
        """The customer of each interaction, (interactions,) int64."""
        return np.repeat(np.arange(len(self.customers)), np.diff(self.offsets))

    def joined(self, other: Self) -> Self:
        """Both tables' interactions, of the same customers and catalogue."""
        assert self.item_count == other.item_count
        rows, items, kinds, times = (
            np.concatenate([getattr(self, column), getattr(other, column)])
            for column in ("rows", "items", "kinds", "times")
        )
        return self.of(self.customers, self.item_count, rows, items, kinds, times)

    def between(self, start: int, stop: int) -> Self:
        """The interactions with start <= time < stop, of the same customers and catalogue."""
        return self.where((self.times >= start) & (self.times < stop))

    def before(self, stop: int) -> Self:
        """The interactions strictly before `stop`."""
        return self.where(self.times < stop)

    def latest(self, limit: int) -> Self:
        """Each customer's last `limit` interactions."""
        ends = np.repeat(self.offsets[1:], np.diff(self.offsets))
        return self.where(np.arange(len(self)) >= ends - limit)

    def where(self, mask: np.ndarray) -> Self:
        """The interactions of `mask` (interactions,) bool."""
        counts = np.concatenate([[0], np.cumsum(mask)])
        kept = (self.items[mask], self.kinds[mask], self.times[mask])
        return type(self)(self.customers, self.item_count, counts[self.offsets], *kept)


@dataclass(frozen=True)
class ItemCounters:
    """What happened to each item up to a moment; every array is (items,) float32.

    Popularity counts customers, not interactions, so that one busy visitor cannot make an item popular.
    """

    week: np.ndarray  # customers with the target kind in the last 7 days
    month: np.ndarray  # in the last 28 days
    total: np.ndarray  # ever
    touched: np.ndarray  # customers with any interaction in the last 28 days
    age_days: np.ndarray  # since it was first seen; 0 for an item never seen
    repeat_share: np.ndarray  # of its buyers, the share who came back for it another day

    @classmethod
    def of(cls, interactions: Interactions, now: int, target_kind: int) -> Self:
        """Counted from the interactions before `now`; `target_kind` is the kind that is to be predicted."""
        days = (now - interactions.times) / SECONDS_PER_DAY
        is_target = interactions.kinds == target_kind
        total = _customers_of(interactions, is_target)
        first = np.zeros(interactions.item_count)
        np.maximum.at(first, interactions.items, days)
        return cls(
            week=_customers_of(interactions, is_target & (days <= 7)),
            month=_customers_of(interactions, is_target & (days <= 28)),
            total=total,
            touched=_customers_of(interactions, days <= 28),
            age_days=first.astype(np.float32),
            repeat_share=_repeaters_of(interactions, is_target) / (total + 5),  # shrunk: two buyers prove little
        )

    @property
    def popularity(self) -> np.ndarray:
        """One number by which items are popular: the last week, ties by the last month, then by everything."""
        return np.asarray(self.week + self.month / 1e2 + self.total / 1e6 + self.touched / 1e8)

    def to_arrays(self) -> dict[str, np.ndarray]:
        return {f"item_{name}": value for name, value in vars(self).items()}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Self:
        return cls(**{name: np.asarray(arrays[f"item_{name}"]) for name in cls.__dataclass_fields__})


def _customers_of(interactions: Interactions, mask: np.ndarray) -> np.ndarray:
    """Distinct customers per item among the interactions of `mask`."""
    pairs = Pairs.of(interactions.rows[mask], interactions.items[mask], interactions.item_count)
    return np.bincount(pairs.columns, minlength=interactions.item_count).astype(np.float32)


def _repeaters_of(interactions: Interactions, mask: np.ndarray) -> np.ndarray:
    """Distinct customers per item with the masked interactions on at least two days."""
    pairs = Pairs.of(interactions.rows[mask], interactions.items[mask], interactions.item_count)
    times = interactions.times[mask]
    again = -pairs.minima(-times) - pairs.minima(times) >= SECONDS_PER_DAY
    return np.bincount(pairs.columns[again], minlength=interactions.item_count).astype(np.float32)
