from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from benchmarks.customers.planted import days_alive, planted_risk

CUT = datetime(2025, 3, 1, tzinfo=UTC)


def planted(hazard: float, rate: float, ends: list[int]) -> pd.DataFrame:
    """Customers who end so many days after the cut."""
    dates = [(CUT + timedelta(days=days)).date() for days in ends]
    return pd.DataFrame({"hazard_per_day": hazard, "orders_per_day": rate, "alive_until": dates})


def test_days_alive_are_those_within_the_window() -> None:
    assert days_alive(planted(0.1, 0.1, [-5, 0, 4, 500]), CUT, 30).tolist() == [0, 0, 4, 30]


def test_the_planted_risk_is_that_of_a_simulated_race_between_order_end_and_horizon() -> None:
    hazard, rate, days = 0.02, 0.03, 40
    chance = np.random.default_rng(0)
    order, end = chance.exponential(1 / rate, 200_000), chance.exponential(1 / hazard, 200_000)
    simulated = 1 - ((order < end) & (order < days)).mean()
    risk = planted_risk(planted(hazard, rate, [100, -1]), np.array([False, True]), days)
    assert risk.tolist() == [pytest.approx(simulated, abs=0.005), 1.0]
