import numpy as np
import pytest
from scipy.special import beta as beta_function
from scipy.special import gamma, hyp2f1

from models.btyd.bg_nbd import BGNBD, beta_quadrature
from tests.models.btyd.worlds import HORIZON, customer, customers, planted_world

PUBLISHED = BGNBD(0.2426, 4.4136, 0.7929, 2.4259)  # weeks; Fader, Hardie and Lee 2005
MODIFIED = BGNBD(0.525, 6.183, 0.891, 1.614, modified=True)
HISTORY = (2, 30.43, 38.86)


def test_the_likelihood_is_that_of_the_paper() -> None:
    r, alpha, a, b = PUBLISHED.r, PUBLISHED.alpha, PUBLISHED.a, PUBLISHED.b
    x, recency, age = HISTORY
    orders = gamma(r + x) * alpha**r / gamma(r)
    still = beta_function(a, b + x) / beta_function(a, b) / (alpha + age) ** (r + x)
    left = beta_function(a + 1, b + x - 1) / beta_function(a, b) / (alpha + recency) ** (r + x)
    assert PUBLISHED.log_likelihood(customer(*HISTORY))[0] == pytest.approx(np.log(orders * (still + left)))


def test_published_figures_of_a_single_customer() -> None:
    assert PUBLISHED.expected_orders(customer(*HISTORY), 39.0)[0] == pytest.approx(1.226, abs=0.001)
    assert PUBLISHED.p_alive(customer(*HISTORY))[0] == pytest.approx(0.7266, abs=0.0005)


@pytest.mark.parametrize("x", [0, 1, 5, 40])
def test_expected_orders_are_those_of_the_papers(x: int) -> None:
    history, t = customer(x, min(30.0, 20.0 * x), 39.0), 26.0
    for model, chances in ((PUBLISHED, x), (MODIFIED, x + 1)):
        r, a, b, alpha = model.r + x, model.a, model.b + chances, model.alpha + 39.0
        if_alive = (a + b - 1) / (a - 1) * (1 - (alpha / (alpha + t)) ** r * hyp2f1(r, b, a + b - 1, t / (alpha + t)))
        expected = if_alive * model.p_alive(history)[0]
        assert model.expected_orders(history, t)[0] == pytest.approx(expected, rel=1e-9)


def test_only_the_modified_model_knows_that_one_can_leave_after_the_first_order() -> None:
    once = customer(0, 0.0, 39.0)
    assert PUBLISHED.p_alive(once)[0] == 1.0
    assert 0.0 < MODIFIED.p_alive(once)[0] < 0.5


def test_the_chance_of_an_order_is_that_of_drawn_customers() -> None:
    draws, generator = 400_000, np.random.default_rng(2)
    rate = generator.gamma(MODIFIED.r, 1 / MODIFIED.alpha, draws)
    stays = generator.random(draws) >= generator.beta(MODIFIED.a, MODIFIED.b, draws)
    first = np.where(stays, generator.exponential(1 / rate), np.inf)
    silent = first > 39.0
    assert MODIFIED.probability(customer(0, 0.0, 39.0), 39.0)[0] == pytest.approx(
        (first[silent] <= 78.0).mean(), abs=0.004
    )


@pytest.mark.parametrize("modified", [False, True])
def test_the_fit_is_better_than_its_neighbours(modified: bool) -> None:
    history, _ = planted_world(3000)
    fitted = BGNBD.fit(history, modified)
    best = fitted.log_likelihood(history).sum()
    for step in (0.9, 1.1):
        for n in range(4):
            moved = [
                value * (step if n == m else 1) for m, value in enumerate((fitted.r, fitted.alpha, fitted.a, fitted.b))
            ]
            assert BGNBD(*moved, modified).log_likelihood(history).sum() < best


def test_predictions_add_up_in_a_world_of_another_model() -> None:
    history, later = planted_world(8000)
    expected = BGNBD.fit(history, modified=True).expected_orders(history, HORIZON)
    assert expected.sum() == pytest.approx(later.sum(), rel=0.1)


def test_a_customer_of_hundreds_of_orders_is_no_overflow() -> None:
    history = customers([900, 900], [38.9, 5.0], [39.0, 39.0])
    assert PUBLISHED.p_alive(history) == pytest.approx([1.0, 0.0], abs=0.01)
    assert np.isfinite(PUBLISHED.expected_orders(history, 39.0)).all()


@pytest.mark.parametrize(("a", "b"), [(0.4, 0.6), (1.0, 1.0), (0.05, 3000.0), (7.0, 2.0)])
def test_the_quadrature_has_the_moments_of_the_beta_distribution(a: float, b: float) -> None:
    points, weights = beta_quadrature(a, b, 20)
    assert weights.sum() == pytest.approx(1)
    assert (weights * points).sum() == pytest.approx(a / (a + b))
    assert (weights * points**2).sum() == pytest.approx(a * (a + 1) / (a + b) / (a + b + 1))
