"""Item counters: how many customers chose each item, recently and overall."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from contracts.time_units import SECONDS_PER_DAY
from recsys.data.interactions import Interactions
from recsys.kernels.pair_counts import Pairs


@dataclass(frozen=True)
class ItemCounters:
    """Counts per item at one time; every array is (items,) float32.

    Customers are counted, not interactions, so that a single customer cannot make an item popular.
    """

    week: np.ndarray  # customers with the target kind in the last 7 days
    month: np.ndarray  # in the last 28 days
    total: np.ndarray  # ever
    touched: np.ndarray  # customers with any interaction in the last 28 days
    age_days: np.ndarray  # since it was first seen; 0 for an item never seen
    repeat_share: np.ndarray  # share of its buyers who bought it again on another day, shrunk

    @classmethod
    def of(cls, interactions: Interactions, now: int, target_kind: int) -> Self:
        """Count the interactions before `now`; `target_kind` is the kind to be predicted."""
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
            repeat_share=_repeaters_of(interactions, is_target) / (total + 5),  # shrunk: few buyers prove little
        )

    @property
    def popularity(self) -> np.ndarray:
        """(items,) sort key: customers of the last week, then of the last month, then in total."""
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
