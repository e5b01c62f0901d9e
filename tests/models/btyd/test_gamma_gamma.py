import numpy as np
import pytest
from scipy.integrate import quad

from models.btyd.gamma_gamma import GammaGamma

PUBLISHED = GammaGamma(6.25, 3.74, 15.44)  # Fader and Hardie 2013


def planted_values(count: int, orders_each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Orders, their mean values, and what each customer's orders are truly worth on average."""
    generator = np.random.default_rng(4)
    nu = generator.gamma(PUBLISHED.q, 1 / PUBLISHED.v, count)
    orders = generator.integers(1, orders_each + 1, count)
    return orders, generator.gamma(PUBLISHED.p * orders) / nu / orders, PUBLISHED.p / nu


@pytest.mark.parametrize("orders", [1, 4])
def test_the_likelihood_is_a_density(orders: int) -> None:
    def density(mean_value: float) -> float:
        return float(np.exp(PUBLISHED.log_likelihood(np.array([orders]), np.array([mean_value])))[0])

    assert quad(density, 0, np.inf)[0] == pytest.approx(1)
    mean, _ = quad(lambda value: value * density(value), 0, np.inf)
    assert mean == pytest.approx(PUBLISHED.expected_value(np.array([0]), np.array([0.0]))[0])


def test_the_fit_finds_planted_parameters() -> None:
    orders, mean_value, _ = planted_values(20000, 6)
    fitted = GammaGamma.fit(orders, mean_value)
    gain = fitted.log_likelihood(orders, mean_value).sum() - PUBLISHED.log_likelihood(orders, mean_value).sum()
    assert 0 <= gain < 8  # half a chi-squared number of three degrees of freedom
    assert fitted.q == pytest.approx(PUBLISHED.q, rel=0.05)
    nothing = np.zeros(1)
    assert fitted.expected_value(nothing, nothing) == pytest.approx(
        PUBLISHED.expected_value(nothing, nothing), rel=0.02
    )


def test_an_expected_value_is_nearer_the_truth_than_the_mean_of_few_orders() -> None:
    orders, mean_value, truth = planted_values(20000, 3)
    expected = PUBLISHED.expected_value(orders, mean_value)
    assert np.abs(expected - truth).mean() < 0.9 * np.abs(mean_value - truth).mean()
    assert expected.mean() == pytest.approx(truth.mean(), rel=0.02)


def test_orders_worth_nothing_do_not_hinder() -> None:
    orders, mean_value, _ = planted_values(500, 3)
    fitted = GammaGamma.fit(np.append(orders, 2), np.append(mean_value, 0.0))
    assert fitted == GammaGamma.fit(orders, mean_value)
    gift = fitted.expected_value(np.array([2]), np.array([0.0]))[0]
    assert 0 < gift < fitted.expected_value(np.array([0]), np.array([0.0]))[0]
