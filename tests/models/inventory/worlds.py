"""Items whose demand and terms the test chose."""

from dataclasses import replace
from typing import Any

import numpy as np
from scipy.stats import norm

from models.inventory.demand_distribution import TotalDemand
from models.inventory.lead_time_demand import ItemDemand
from models.inventory.service_level import CycleDemand
from models.inventory.terms import ItemTerms

LEVELS = np.array([0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975])


def normal_totals(mean: float, deviation: float, items: int = 1) -> TotalDemand:
    """Every item's demand is normal, and told by its quantiles at LEVELS."""
    return TotalDemand(LEVELS, np.tile(norm.ppf(LEVELS, mean, deviation), (items, 1)))


def terms(items: int = 1, **changed: Any) -> ItemTerms:
    """A lead time of 4 days, reviews every 3, a service level of .9, single units, no costs told, nothing on order."""
    unknown = np.full(items, np.nan)
    known = ItemTerms(
        lead_time_days=np.full(items, 4.0),
        review_days=np.full(items, 3.0),
        service_level=np.full(items, 0.9),
        holding_cost_per_year=np.full(items, 0.25),
        unit_cost=unknown,
        shortage_cost=unknown,
        order_cost=np.zeros(items),
        pack_size=np.ones(items),
        minimum_order=np.zeros(items),
        on_order=np.zeros(items),
        on_order_in_days=np.full(items, 4.0),
        overstock_days=np.full(items, 60.0),
    )
    return replace(known, **{name: np.broadcast_to(np.asarray(value, float), items) for name, value in changed.items()})


def steady_demand(daily: float, items: int = 1, days: int = 28, protected: int = 7, delivery: int = 4) -> ItemDemand:
    """Exactly `daily` units sell every day: every quantile says so."""
    totals = np.tile(daily * np.arange(1, days + 1), (items, 1))

    def certain(length: int) -> TotalDemand:
        return TotalDemand(LEVELS, np.full((items, len(LEVELS)), daily * length))

    return ItemDemand(CycleDemand(certain(delivery), certain(protected)), certain(delivery), totals, totals)
