"""The textbook's safety stock, against the textbook."""

import numpy as np
import pytest
from scipy.stats import norm

from models.inventory.safety_stock import (
    DEMAND_DEVIATION,
    DEVIATIONS,
    ONE_STEP_ERRORS,
    PAST_DEMAND,
    TOTAL_ERRORS,
    safety_stock_demand,
)
from tests.models.inventory.textbook import newsvendor_stock

STEADY = np.random.default_rng(3).normal(100, 10, (40, 600))


def known(units: np.ndarray) -> np.ndarray:
    return np.ones(units.shape, dtype=bool)


@pytest.mark.parametrize("spread", DEVIATIONS)
def test_steady_demand_gets_the_newsvendors_stock(spread: str) -> None:
    demand = safety_stock_demand(STEADY, known(STEADY), 7, spread, 300)
    expected = newsvendor_stock(1, 9, 100, 10, periods=7)
    assert demand.quantile(0.9).mean() == pytest.approx(expected, rel=0.01)


def test_a_weekly_rhythm_widens_what_looks_at_days_but_not_what_looks_at_weeks() -> None:
    week = np.tile([10.0, 10, 10, 10, 10, 40, 0], (1, 30))
    by_days = {name: safety_stock_demand(week, known(week), 7, name, 7).sigma[0] for name in DEVIATIONS}
    assert by_days[TOTAL_ERRORS] == pytest.approx(0, abs=10)  # only the first weeks, without a past, err
    assert by_days[DEMAND_DEVIATION] == pytest.approx(week.std() * 7**0.5)
    assert by_days[ONE_STEP_ERRORS] > by_days[TOTAL_ERRORS]


def test_what_was_not_seen_says_nothing() -> None:
    units = np.hstack([np.zeros((40, 100)), STEADY])
    seen = known(units)
    seen[:, :100] = False
    for spread in DEVIATIONS:
        whole = safety_stock_demand(STEADY, known(STEADY), 7, spread, 28)
        part = safety_stock_demand(units, seen, 7, spread, 28)
        np.testing.assert_allclose(part.quantile(0.95), whole.quantile(0.95))
    control = safety_stock_demand(units, known(units), 7, DEMAND_DEVIATION, 28)
    assert (control.sigma > 1.5 * part.sigma).all()
    nothing = safety_stock_demand(units, np.zeros(units.shape, dtype=bool), 7, DEMAND_DEVIATION, 28)
    assert not nothing.quantile(0.95).any()


def test_the_mean_is_that_of_the_window() -> None:
    units = np.hstack([np.full((1, 50), 2.0), np.full((1, 28), 5.0)])
    demand = safety_stock_demand(units, known(units), 10, DEMAND_DEVIATION, 28)
    assert demand.mean[0] == 50
    assert demand.quantile(0.5)[0] == 50
    assert safety_stock_demand(units, known(units), 10, PAST_DEMAND, 28).mean[0] == pytest.approx(10 * units.mean())
    assert demand.quantile(0.9)[0] == pytest.approx(50 + norm.ppf(0.9) * units.std() * 10**0.5)
