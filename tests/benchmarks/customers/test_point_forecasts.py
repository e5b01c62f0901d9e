"""Point forecasts of orders keep the total and the ranking, with smaller absolute errors than the mean."""

import numpy as np
import pytest

from benchmarks.customers.point_forecasts import median_orders, point_orders


def skewed_orders(cases: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities of an order, means, and actual orders, which are geometric where there are any."""
    chance = np.random.default_rng(2)
    probability = np.where(chance.random(cases) < 0.7, 0.15, 0.8)
    if_any = np.where(probability > 0.5, 4.0, 1.3)
    orders = np.where(chance.random(cases) < probability, chance.geometric(1 / if_any), 0)
    return probability, probability * if_any, orders


def test_the_point_forecast_has_smaller_absolute_errors_and_keeps_the_total() -> None:
    probability, mean, orders = skewed_orders(20_000)
    point = point_orders(probability, mean)
    assert point.sum() == pytest.approx(mean.sum(), rel=0.01)
    assert np.abs(orders - point).mean() < 0.99 * np.abs(orders - mean).mean()
    assert ((orders - point) ** 2).mean() < 1.05 * ((orders - mean) ** 2).mean()


def test_the_point_forecast_keeps_the_ranking_of_the_means() -> None:
    mean = np.linspace(0.01, 12, 200)
    assert (np.diff(point_orders(-np.expm1(-mean), mean)) >= -1e-6).all()


def test_the_median_is_that_of_drawn_orders() -> None:
    chance = np.random.default_rng(4)
    for probability, if_any in ((0.3, 2.0), (0.6, 1.5), (0.9, 5.0), (0.95, 1.0)):
        orders = np.where(chance.random(20_000) < probability, chance.geometric(1 / if_any, 20_000), 0)
        median = median_orders(np.array([probability]), np.array([probability * if_any]))
        assert median.tolist() == [np.median(orders)]
