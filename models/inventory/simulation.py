"""A replay of the past under a stock policy: what it would have held and lost, and the cost."""

from dataclasses import dataclass

import numpy as np

from models.inventory.newsvendor import shortage_cost_of
from models.inventory.policy import order_quantity


@dataclass(frozen=True)
class ReplayTerms:
    """How the replayed shop orders: the same for all its items. Lead time and review in periods."""

    lead_time: int
    review: int
    pack_size: float = 1.0  # 0: any amount

    def __post_init__(self) -> None:
        assert self.lead_time >= 0
        assert self.review >= 1

    @property
    def protected(self) -> int:
        """The periods that an order must last."""
        return self.lead_time + self.review


@dataclass(frozen=True)
class ReplayedStock:
    """What became of the items under one policy, (items,) each.

    `unit_periods` are units times periods on the shelf; `short_cycles` counts review periods with a lost sale.
    """

    unit_periods: np.ndarray
    lost_units: np.ndarray
    wanted_units: np.ndarray
    short_cycles: np.ndarray
    cycles: int

    @property
    def fill_rate(self) -> float:
        """The share of the units wanted that were on the shelf."""
        return float(1 - self.lost_units.sum() / max(self.wanted_units.sum(), 1e-12))

    @property
    def cycle_service(self) -> float:
        """The share of items and review periods without a lost sale."""
        return float(1 - self.short_cycles.mean() / self.cycles)

    def costs(self, terms: ReplayTerms, service_level: float, value: np.ndarray | float) -> tuple[float, float]:
        """Holding and shortage cost, at 1 per unit of value and period held.

        A lost unit costs what makes `service_level` the newsvendor's critical ratio: a unit too many is held for one
        review period more. `value` of a unit, (items,) or one for all.
        """
        lost = shortage_cost_of(service_level, float(terms.review))
        return float((self.unit_periods * value).sum()), float((self.lost_units * value).sum() * lost)


def replay(demand: np.ndarray, levels: np.ndarray, before: np.ndarray, terms: ReplayTerms) -> ReplayedStock:
    """Order up to `levels` at every review, and sell what is there; what is not there is lost, not delivered later.

    `demand` is (items, periods), `levels` (items, reviews): for the review at period 0, `terms.review`, ... as known in
    the morning of that period, as far as what is ordered then arrives in the window; later reviews order nothing.
    `before` (items,) is the demand of the review period before the first: the shop begins as if it had ordered by the
    same level then, and its first order replaces what sold since. Goods ordered in one morning can be sold from the
    morning `terms.lead_time` periods later on.
    """
    items, periods = demand.shape
    cycles = -(-periods // terms.review)
    assert len(levels) == items
    assert -(-max(periods - terms.lead_time, 1) // terms.review) <= levels.shape[1] <= cycles
    on_hand = np.maximum(levels[:, 0] - before, 0)
    if terms.pack_size:
        on_hand = np.ceil(on_hand / terms.pack_size) * terms.pack_size
    due = np.zeros((items, periods + terms.lead_time + 1))
    held, lost = np.zeros(items), np.zeros((items, cycles))
    for period in range(periods):
        cycle, is_within = divmod(period, terms.review)
        on_order = due[:, period:].sum(axis=1)
        if not is_within and cycle < levels.shape[1]:
            due[:, period + terms.lead_time] += _order(on_hand + on_order, levels[:, cycle], terms.pack_size)
        on_hand = on_hand + due[:, period]
        due[:, period] = 0
        sold = np.minimum(on_hand, demand[:, period])
        on_hand = on_hand - sold
        lost[:, cycle] += demand[:, period] - sold
        held += on_hand
    return ReplayedStock(held, lost.sum(axis=1), demand.sum(axis=1), (lost > 0).sum(axis=1), cycles)


def _order(position: np.ndarray, level: np.ndarray, pack_size: float) -> np.ndarray:
    if not pack_size:
        missing: np.ndarray = np.maximum(level - position, 0)
        return missing
    return order_quantity(position, level, level, pack_size, 0.0)
