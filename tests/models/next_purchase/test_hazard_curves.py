"""Survival curves whose probabilities, quantiles and scores can be worked out by hand."""

import numpy as np
import pytest

from models.next_purchase.hazard_curves import HazardCurves, interval_edges


def constant(rate: float, horizon_days: int = 100, customers: int = 1) -> HazardCurves:
    """Customers who order at random, `rate` times a day on average."""
    edges = interval_edges(horizon_days)
    return HazardCurves(edges, np.tile(rate * edges, (customers, 1)))


def certain(day: int, horizon_days: int = 100) -> HazardCurves:
    """A customer who is certain to order within one day of day `day`."""
    edges = np.arange(horizon_days + 1.0)
    return HazardCurves(edges, np.where(edges > day, 50.0, 0.0)[None, :])


def test_edges_are_days_at_first_and_end_with_the_horizon() -> None:
    edges = interval_edges(100)
    assert edges[:5].tolist() == [0, 1, 2, 3, 4]
    assert edges[-1] == 100
    assert (np.diff(edges) >= 1).all()


def test_a_constant_rate_gives_the_exponential_distribution() -> None:
    assert constant(0.02).event_probability(30)[0] == pytest.approx(1 - np.exp(-0.6))
    assert constant(0.02).event_probability(1000) == constant(0.02).event_probability(100)


def test_half_of_those_who_order_have_ordered_by_the_median() -> None:
    curves = constant(0.02)
    median = curves.quantile_days(0.5)
    assert curves.event_probability(float(median[0])) == pytest.approx(curves.event_probability(100) / 2)
    assert curves.quantile_days(0.0) == pytest.approx(0)
    assert curves.quantile_days(1.0) == pytest.approx(100)


def test_quantiles_lie_where_the_order_is_certain() -> None:
    assert 20 <= certain(20).quantile_days(0.1)[0] <= certain(20).quantile_days(0.9)[0] <= 21


def test_quantiles_of_a_customer_who_never_orders_are_finite() -> None:
    assert np.isfinite(constant(0.0).quantile_days(0.9)).all()


def test_the_score_of_a_sure_prediction_is_how_many_days_it_is_off() -> None:
    assert certain(20).crps_days(np.array([20.5]))[0] == pytest.approx(0, abs=0.5)
    assert certain(20).crps_days(np.array([50.0]))[0] == pytest.approx(29.5, abs=0.5)
    assert certain(20).crps_days(np.array([np.inf]))[0] == pytest.approx(79.5, abs=0.5)


def test_the_true_rate_scores_best() -> None:
    days = np.random.default_rng(1).exponential(50, 4000)
    scores = {rate: constant(rate, customers=len(days)).crps_days(days).mean() for rate in (0.01, 0.02, 0.04)}
    assert min(scores, key=scores.__getitem__) == 0.02


def test_an_anchored_curve_agrees_on_its_day_and_stays_a_distribution() -> None:
    curves = constant(0.02, customers=4)
    survival = np.array([0.9, 0.2, 0.0, np.nan])
    anchored = curves.anchored(60, survival)
    assert 1 - anchored.event_probability(60)[:3] == pytest.approx(survival[:3], abs=1e-6)
    assert anchored.event_probability(60)[3] == curves.event_probability(60)[3]
    assert (np.diff(anchored.hazards, axis=1) >= 0).all()
    assert anchored.event_probability(100).max() <= 1


def test_an_anchor_beyond_the_horizon_continues_the_mean_hazard() -> None:
    anchored = constant(0.02, horizon_days=100).anchored(200, np.array([np.exp(-2.0)]))
    assert anchored.event_probability(100)[0] == pytest.approx(1 - np.exp(-1.0))


def test_half_of_all_have_ordered_by_the_median_day_or_there_is_none() -> None:
    assert constant(0.02).median_days()[0] == pytest.approx(np.log(2) / 0.02)
    assert np.isnan(constant(0.001).median_days()[0])
    assert np.isnan(constant(0.0).median_days()[0])
