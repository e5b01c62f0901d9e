"""Simulation of an inventory policy on past demand: stock held, units lost, cost."""

from dataclasses import dataclass

import numpy as np

from models.inventory.newsvendor import shortage_cost_of
from models.inventory.policy import order_quantity


@dataclass(frozen=True)
class SimulationTerms:
    """How the simulated store orders, the same for all items. Lead time and review in periods."""

    lead_time: int
    review: int
    pack_size: float = 1.0  # 0: any amount

    def __post_init__(self) -> None:
        assert self.lead_time >= 0
        assert self.review >= 1

    @property
    def protected(self) -> int:
        """Periods that an order must last."""
        return self.lead_time + self.review


@dataclass(frozen=True)
class SimulatedStock:
    """The result of one policy, (items,) each.

    `unit_periods` are units in stock times periods; `short_cycles` counts review periods with a lost sale.
    """

    unit_periods: np.ndarray
    lost_units: np.ndarray
    demanded_units: np.ndarray
    short_cycles: np.ndarray
    cycles: int

    @property
    def fill_rate(self) -> float:
        """The share of demanded units that were in stock."""
        return float(1 - self.lost_units.sum() / max(self.demanded_units.sum(), 1e-12))

    @property
    def cycle_service(self) -> float:
        """The share of items and review periods without a lost sale."""
        return float(1 - self.short_cycles.mean() / self.cycles)

    def costs(
        self, terms: SimulationTerms, service_level: float, value: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Holding and shortage cost of each item, (items,), where holding one unit of value for one period costs 1.

        The cost of a lost unit makes `service_level` the newsvendor's critical ratio, if an unsold unit is held for
        one more review period. `value` is that of a unit, (items,) or one number.
        """
        lost = shortage_cost_of(service_level, float(terms.review))
        return self.unit_periods * value, self.lost_units * value * lost


def simulate(demand: np.ndarray, levels: np.ndarray, before: np.ndarray, terms: SimulationTerms) -> SimulatedStock:
    """Order up to `levels` at every review and sell from stock; demand beyond the stock is lost, not backordered.

    `demand` is (items, periods). `levels` is (items, reviews): the order-up-to level of the review at period 0,
    `terms.review`, ..., as known at the start of that period, for orders that arrive within the window; later reviews
    order nothing. `before` (items,) is the demand of the review period before the first. The store starts as if it had
    ordered up to the first level then, so its first order replaces what sold since. Goods can be sold
    `terms.lead_time` periods after they were ordered.
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
    return SimulatedStock(held, lost.sum(axis=1), demand.sum(axis=1), (lost > 0).sum(axis=1), cycles)


def _order(position: np.ndarray, level: np.ndarray, pack_size: float) -> np.ndarray:
    if not pack_size:
        return np.maximum(level - position, 0)
    return order_quantity(position, level, level, pack_size, 0.0)
