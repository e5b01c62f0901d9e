"""The baseline of the next order: the customer's own mean gap."""

import numpy as np
import pytest

from models.next_purchase.hazard_curves import interval_edges
from models.next_purchase.renewal_baseline import RenewalBaseline
from tests.models.next_purchase.worlds import memoryless, observed, renewing

EDGES = interval_edges(100)


def test_the_median_is_one_gap_after_the_last_order() -> None:
    baseline = RenewalBaseline.fit([renewing(4000, 1)], median_gap_days=40)
    asked = observed(np.array([10.0, 10.0]), np.array([30.0, 50.0]), np.array([np.inf, np.inf]))
    assert baseline.curves(asked.features, EDGES).quantile_days(0.5) == pytest.approx([20, 40], abs=4)


def test_a_one_time_buyer_has_the_median_gap_of_the_store() -> None:
    once = observed(np.full(2000, 10.0), np.full(2000, np.nan), np.full(2000, 20.0))
    baseline = RenewalBaseline.fit([once], median_gap_days=30)
    assert baseline.curves(once.features[:1], EDGES).quantile_days(0.5)[0] == pytest.approx(20, abs=7)


def test_a_constant_rate_is_found_whatever_the_time_since_the_last_order() -> None:
    world = memoryless(20_000, 1)
    probabilities = RenewalBaseline.fit([world], 40).curves(world.features, EDGES).event_probability(50)
    assert probabilities.mean() == pytest.approx(1 - np.exp(-1), abs=0.02)


def test_a_shorter_follow_up_does_not_bias_the_rate() -> None:
    short, long = memoryless(20_000, 1, days=20), memoryless(20_000, 2, days=100)
    probabilities = [
        RenewalBaseline.fit([world], 40).curves(long.features, EDGES).event_probability(20).mean()
        for world in (short, long)
    ]
    assert probabilities[0] == pytest.approx(probabilities[1], abs=0.03)


def test_no_customers_are_no_error() -> None:
    nobody = observed(np.empty(0), np.empty(0), np.empty(0))
    assert RenewalBaseline.fit([nobody], 40).curves(nobody.features, EDGES).event_probability(30).shape == (0,)


def test_json_round_trip() -> None:
    baseline = RenewalBaseline.fit([renewing(200, 1)], 40)
    read = RenewalBaseline.from_json(baseline.to_json())
    asked = renewing(50, 2).features
    assert (read.curves(asked, EDGES).hazards == baseline.curves(asked, EDGES).hazards).all()


def test_beyond_the_longest_time_observed_the_hazard_stays_constant() -> None:
    """Nobody returned after five gaps without an order, so nobody does after twenty."""
    training = observed(
        np.r_[np.full(500, 10.0), np.full(500, 150.0)],
        np.full(1000, 30.0),
        np.r_[np.full(500, 20.0), np.full(500, np.inf)],
    )
    baseline = RenewalBaseline.fit([training], 40)
    asked = observed(np.array([10.0, 150.0, 600.0]), np.full(3, 30.0), np.full(3, np.inf))
    soon, late, later = baseline.curves(asked.features, EDGES).event_probability(100)
    assert soon > 0.9
    assert late < 0.1
    assert later < 0.1
