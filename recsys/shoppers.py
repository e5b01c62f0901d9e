"""Shoppers: a batch of histories at one moment, the form in which everything downstream sees a person.

A batch of thousands in training and a batch of one in serving are the same object, so that both go through the same
code.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from recsys.pairs import Pairs, find, read, row_sums
from recsys.query import KINDS

ORDER: Final = KINDS.index("order")
KIND_WEIGHTS: Final = np.array([1.0, 3.0, 6.0], np.float32)  # view, cart, order: how much interest each one shows
HALF_LIFE_DAYS: Final = 30.0  # of that interest
VISIT_DAYS: Final = 1 / 24  # what is younger belongs to the visit under way
NEVER_DAYS: Final = 9999.0  # the age of what never happened


@dataclass(frozen=True)
class Touches:
    """The distinct (shopper, item) pairs of a batch, sorted; arrays are (pairs,) float32 unless said otherwise."""

    keys: np.ndarray  # int64, shopper * item_count + item
    rows: np.ndarray  # int64, shopper
    items: np.ndarray  # int64
    counts: np.ndarray  # (kinds, pairs)
    weights: np.ndarray  # interest: kind weights, halved every HALF_LIFE_DAYS
    last_days: np.ndarray  # days since the last interaction
    last_order_days: np.ndarray  # NEVER_DAYS if not ordered


@dataclass(frozen=True)
class Affinity:
    """Each shopper's share of interest per category or brand; keys are shopper * width + code, sorted."""

    width: int
    keys: np.ndarray
    shares: np.ndarray

    def of(self, rows: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """The share of interest that each (shopper, code) has, 0 where none; (rows,) float32."""
        places = find(self.keys, rows * self.width + codes)
        return read(self.shares, np.where(codes >= 0, places, -1), 0.0)


@dataclass(frozen=True)
class Shoppers:
    """A batch of `size` shoppers: one entry per interaction, entries of a shopper oldest first.

    `rows` (entries,) the shopper; `items`; `kinds`, a place in KINDS; `ages` (entries,) float32, days before the
    moment of the question.
    """

    size: int
    item_count: int
    rows: np.ndarray
    items: np.ndarray
    kinds: np.ndarray
    ages: np.ndarray

    def visit(self) -> "Shoppers":
        """The same shoppers, with the entries of the visit under way alone."""
        fresh = self.ages <= VISIT_DAYS
        kept = (self.rows[fresh], self.items[fresh], self.kinds[fresh], self.ages[fresh])
        return Shoppers(self.size, self.item_count, *kept)

    @cached_property
    def interest(self) -> np.ndarray:
        """(entries,) float32: the weight of each interaction today."""
        return np.asarray(KIND_WEIGHTS[self.kinds] * np.exp2(-self.ages / HALF_LIFE_DAYS), np.float32)

    @cached_property
    def touches(self) -> Touches:
        """What each shopper did with each item."""
        pairs = Pairs.of(self.rows, self.items, self.item_count)
        order_ages = np.where(self.kinds == ORDER, self.ages, np.float32(NEVER_DAYS))
        return Touches(
            keys=pairs.keys,
            rows=pairs.rows,
            items=pairs.columns,
            counts=np.stack([pairs.sums((self.kinds == kind).astype(np.float32)) for kind in range(len(KINDS))]),
            weights=pairs.sums(self.interest),
            last_days=pairs.minima(self.ages),
            last_order_days=pairs.minima(order_ages),
        )

    def affinity(self, codes: np.ndarray) -> Affinity:
        """How each shopper's interest divides over the groups that `codes` (items,) puts the items into."""
        entries = codes[self.items]
        known = entries >= 0
        pairs = Pairs.of(self.rows[known], entries[known], int(codes.max(initial=0)) + 1)
        weights = pairs.sums(self.interest[known])
        totals = row_sums(pairs.rows, weights, self.size)
        return Affinity(pairs.width, pairs.keys, (weights / totals[pairs.rows]).astype(np.float32))
