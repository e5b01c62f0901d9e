"""Curves of the next order: chances, dates and scores that can be worked out by hand."""

import numpy as np
import pytest

from models.next_purchase.hazard_curves import OrderCurves, interval_edges


def constant(rate: float, horizon_days: int = 100, customers: int = 1) -> OrderCurves:
    """Customers who order at random, so many times a day on average."""
    edges = interval_edges(horizon_days)
    return OrderCurves(edges, np.tile(rate * edges, (customers, 1)))


def certain(day: int, horizon_days: int = 100) -> OrderCurves:
    """A customer who orders within one day of day `day`, and nobody doubts it."""
    edges = np.arange(horizon_days + 1.0)
    return OrderCurves(edges, np.where(edges > day, 50.0, 0.0)[None, :])


def test_edges_are_days_at_first_and_end_with_the_horizon() -> None:
    edges = interval_edges(100)
    assert edges[:5].tolist() == [0, 1, 2, 3, 4]
    assert edges[-1] == 100
    assert (np.diff(edges) >= 1).all()


def test_a_constant_rate_gives_the_exponential_chance() -> None:
    assert constant(0.02).chance_within(30)[0] == pytest.approx(1 - np.exp(-0.6))
    assert constant(0.02).chance_within(1000) == constant(0.02).chance_within(100)


def test_half_of_those_who_order_have_ordered_by_the_middle() -> None:
    curves = constant(0.02)
    middle = curves.days_until(0.5)
    assert curves.chance_within(float(middle[0])) == pytest.approx(curves.chance_within(100) / 2)
    assert curves.days_until(0.0) == pytest.approx(0)
    assert curves.days_until(1.0) == pytest.approx(100)


def test_days_lie_where_the_order_is_certain() -> None:
    assert 20 <= certain(20).days_until(0.1)[0] <= certain(20).days_until(0.9)[0] <= 21


def test_who_never_orders_gets_days_within_the_horizon() -> None:
    assert np.isfinite(constant(0.0).days_until(0.9)).all()


def test_the_score_of_a_sure_prediction_is_how_many_days_it_is_off() -> None:
    assert certain(20).crps_days(np.array([20.5]))[0] == pytest.approx(0, abs=0.5)
    assert certain(20).crps_days(np.array([50.0]))[0] == pytest.approx(29.5, abs=0.5)
    assert certain(20).crps_days(np.array([np.inf]))[0] == pytest.approx(79.5, abs=0.5)


def test_the_true_rate_scores_best() -> None:
    days = np.random.default_rng(1).exponential(50, 4000)
    scores = {rate: constant(rate, customers=len(days)).crps_days(days).mean() for rate in (0.01, 0.02, 0.04)}
    assert min(scores, key=scores.__getitem__) == 0.02
