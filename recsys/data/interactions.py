"""Interactions: what each customer viewed, put into a cart and ordered, oldest first."""

from dataclasses import dataclass
from typing import Final, Literal, Self, get_args

import numpy as np

from recsys.data.vocabulary import Vocabulary

Kind = Literal["view", "cart", "order"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)  # weakest interest first; a kind's code is its index
_SCATTER: Final = np.uint64(2654435761)  # Knuth's multiplicative hash


@dataclass(frozen=True)
class Interactions:
    """Every customer's history in one flat table, sorted by customer, then time.

    `offsets` (customers + 1,) int64; `items` (interactions,) int32; `kinds` (interactions,) uint8, indices into KINDS;
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
        """From one entry per interaction; the order of the entries has no effect."""
        assert len(customer) == len(item) == len(kind) == len(time)
        assert not len(item) or 0 <= item.min() <= item.max() < item_count
        # The lines of an order share a time. They are sorted by a hash: else alphabetical neighbours were paired more.
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
        """The interactions of both tables, which have the same customers and catalogue."""
        assert self.item_count == other.item_count
        rows, items, kinds, times = (
            np.concatenate([getattr(self, column), getattr(other, column)])
            for column in ("rows", "items", "kinds", "times")
        )
        return self.of(self.customers, self.item_count, rows, items, kinds, times)

    def between(self, start: int, stop: int) -> Self:
        """The interactions with start <= time < stop."""
        return self.where((self.times >= start) & (self.times < stop))

    def before(self, stop: int) -> Self:
        """The interactions strictly before `stop`."""
        return self.where(self.times < stop)

    def latest(self, limit: int) -> Self:
        """Each customer's last `limit` interactions."""
        ends = np.repeat(self.offsets[1:], np.diff(self.offsets))
        return self.where(np.arange(len(self)) >= ends - limit)

    def where(self, mask: np.ndarray) -> Self:
        """The interactions selected by `mask` (interactions,) bool."""
        counts = np.concatenate([[0], np.cumsum(mask)])
        kept = (self.items[mask], self.kinds[mask], self.times[mask])
        return type(self)(self.customers, self.item_count, counts[self.offsets], *kept)
