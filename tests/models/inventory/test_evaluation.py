"""Policies judged on a window they did not know."""

import numpy as np
import pytest

from models.demand.frequency import DAY
from models.demand.panel import Panel
from models.inventory.evaluation import (
    SERVICE_GRID,
    StretchDemand,
    at_equal_service,
    beliefs_at_reviews,
    policy_metrics,
    replay_beliefs,
)
from models.inventory.safety_stock import DEMAND_SPREAD, NormalDemand, safety_stock_demand
from models.inventory.simulation import ReplayTerms

TERMS = ReplayTerms(lead_time=4, review=3)
RHYTHM = np.array([0, 0, 100, 100, 100, 250, 150.0])


def panel() -> Panel:
    rng = np.random.default_rng(0)
    units = np.maximum(rng.normal(RHYTHM[np.arange(140) % 7], 10, (30, 140)), 0)
    return Panel(units.astype(np.float32), np.ones(units.shape, bool), np.datetime64("2025-01-06"), DAY)


def knows_the_rhythm(past: Panel) -> StretchDemand:
    ahead = RHYTHM[(past.periods + np.arange(TERMS.protected)) % 7]
    return NormalDemand(np.full(past.series, ahead.sum()), np.full(past.series, 10 * np.sqrt(np.sum(ahead > 0))))


def textbook(past: Panel) -> StretchDemand:
    return safety_stock_demand(past.units, past.is_observed, TERMS.protected, DEMAND_SPREAD, 28)


def judged(belief: object, service_level: float = 0.95) -> dict[str, float]:
    beliefs = beliefs_at_reviews(belief, panel(), 98, 140, TERMS)
    stock = replay_beliefs(beliefs, panel(), 98, 140, service_level, TERMS)
    return policy_metrics(stock, TERMS, 0.95, 1.0)


def test_who_knows_the_rhythm_pays_less() -> None:
    ours, baseline = judged(knows_the_rhythm), judged(textbook)
    assert ours["total_cost"] < 0.85 * baseline["total_cost"]
    assert ours["total_cost"] == pytest.approx(ours["holding_cost"] + ours["shortage_cost"])


def test_each_review_sees_the_past_alone() -> None:
    seen: list[int] = []

    def belief(past: Panel) -> StretchDemand:
        seen.append(past.periods)
        return textbook(past)

    beliefs_at_reviews(belief, panel(), 98, 140, TERMS)
    assert seen == list(range(98, 136, 3))  # what is ordered later arrives too late


def test_equal_service_compares_at_the_same_fill_rate() -> None:
    curve = [judged(textbook, level) for level in SERVICE_GRID]
    wanted = judged(textbook, 0.6)["fill_rate"]
    found = at_equal_service(curve, "fill_rate", wanted)
    assert found is not None
    assert found["fill_rate"] == pytest.approx(wanted)
    assert found["total_cost"] == pytest.approx(judged(textbook, 0.6)["total_cost"], rel=0.01)
    assert at_equal_service(curve, "fill_rate", 1.1) is None
