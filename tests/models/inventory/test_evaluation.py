"""Policies evaluated on a later window."""

import numpy as np
import pytest

from models.demand.frequency import DAY
from models.demand.panel import Panel
from models.inventory.demand_distribution import DemandDistribution
from models.inventory.evaluation import (
    forecasts_at_reviews,
    policy_metrics,
    simulate_policy,
)
from models.inventory.safety_stock import DEMAND_DEVIATION, NormalDemand, safety_stock_demand
from models.inventory.simulation import SimulationTerms

TERMS = SimulationTerms(lead_time=4, review=3)
WEEKDAY_DEMAND = np.array([0, 0, 100, 100, 100, 250, 150.0])


def panel() -> Panel:
    rng = np.random.default_rng(0)
    units = np.maximum(rng.normal(WEEKDAY_DEMAND[np.arange(140) % 7], 10, (30, 140)), 0)
    return Panel(units.astype(np.float32), np.ones(units.shape, bool), np.datetime64("2025-01-06"), DAY)


def knows_the_weekdays(past: Panel) -> DemandDistribution:
    ahead = WEEKDAY_DEMAND[(past.periods + np.arange(TERMS.protected)) % 7]
    return NormalDemand(np.full(past.series, ahead.sum()), np.full(past.series, 10 * np.sqrt(np.sum(ahead > 0))))


def textbook(past: Panel) -> DemandDistribution:
    return safety_stock_demand(past.units, past.is_observed, TERMS.protected, DEMAND_DEVIATION, 28)


def evaluated(forecaster: object, service_level: float = 0.95) -> dict[str, float]:
    forecasts = forecasts_at_reviews(forecaster, panel(), 98, 140, TERMS)
    stock = simulate_policy(forecasts, panel(), 98, 140, service_level, TERMS)
    return policy_metrics(stock, TERMS, 0.95, 1.0)


def test_who_knows_the_weekdays_pays_less() -> None:
    ours, baseline = evaluated(knows_the_weekdays), evaluated(textbook)
    assert ours["total_cost"] < 0.85 * baseline["total_cost"]
    assert ours["total_cost"] == pytest.approx(ours["holding_cost"] + ours["shortage_cost"])


def test_each_review_sees_the_past_alone() -> None:
    seen: list[int] = []

    def forecaster(past: Panel) -> DemandDistribution:
        seen.append(past.periods)
        return textbook(past)

    forecasts_at_reviews(forecaster, panel(), 98, 140, TERMS)
    assert seen == list(range(98, 136, 3))  # what is ordered later arrives too late
