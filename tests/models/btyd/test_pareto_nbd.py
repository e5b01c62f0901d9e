import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import gamma

from models.btyd.pareto_nbd import ParetoNBD
from tests.models.btyd.worlds import AGE, HORIZON, PLANTED, customer, customers, planted_world

PUBLISHED = ParetoNBD(0.5533, 10.578, 0.6061, 11.669)  # weeks; Fader, Hardie and Lee 2005


@pytest.mark.parametrize("history", [(0, 0.0, 39.0), (2, 30.43, 38.86), (7, 3.0, 39.0), (1, 20.0, 20.0)])
@pytest.mark.parametrize("model", [PUBLISHED, ParetoNBD(2.0, 3.0, 0.2, 90.0), ParetoNBD(0.1, 50.0, 4.0, 1.0)])
def test_the_likelihood_is_the_integral_over_rate_and_time_of_leaving(
    model: ParetoNBD, history: tuple[int, float, float]
) -> None:
    x, recency, age = history

    def orders(end: float) -> float:
        """Density of the orders of someone who left at `end`: the Gamma integral over the rate."""
        return gamma(model.r + x) / gamma(model.r) * model.alpha**model.r / (model.alpha + end) ** (model.r + x)

    def left(end: float) -> float:
        return orders(end) * model.s * model.beta**model.s / (model.beta + end) ** (model.s + 1)

    expected = (
        orders(age) * (model.beta / (model.beta + age)) ** model.s
        + quad(left, recency, age, epsabs=0.0, epsrel=1e-11)[0]
    )
    assert model.log_likelihood(customer(*history))[0] == pytest.approx(np.log(expected), abs=1e-9)


def test_published_figures_of_single_customers() -> None:
    # The vignette of the R package BTYD, whose fit differs in the third digit.
    loyal, vignette = customer(26, 30.86, 31.0), ParetoNBD(0.553, 10.580, 0.606, 11.656)
    assert vignette.expected_orders(loyal, 52.0)[0] == pytest.approx(25.46, abs=0.01)
    assert vignette.p_alive(loyal)[0] == pytest.approx(0.998, abs=0.001)
    assert PUBLISHED.p_alive(customer(0, 0.0, 39.0))[0] == pytest.approx(0.2942, abs=0.001)


def test_a_customer_of_hundreds_of_orders_is_no_overflow() -> None:
    history = customers([900, 900], [38.9, 5.0], [39.0, 39.0])
    assert np.isfinite(PUBLISHED.log_likelihood(history)).all()
    assert PUBLISHED.p_alive(history) == pytest.approx([1.0, 0.0], abs=0.02)
    assert PUBLISHED.expected_orders(history, 1.0)[0] == pytest.approx(900.6 / 49.6, rel=0.02)


def test_the_fit_finds_planted_parameters() -> None:
    history, _ = planted_world(8000)
    fitted = ParetoNBD.fit(history)
    gain = fitted.log_likelihood(history).sum() - PLANTED.log_likelihood(history).sum()
    assert 0 <= gain < 9  # half a chi-squared number of four degrees of freedom
    assert fitted.r / fitted.alpha == pytest.approx(PLANTED.r / PLANTED.alpha, rel=0.05)
    assert fitted.s / fitted.beta == pytest.approx(PLANTED.s / PLANTED.beta, rel=0.25)


def test_a_min_prior_weight_pulls_many_customers_to_the_scale_and_a_small_one_hardly() -> None:
    history, _ = planted_world(2000)
    pulled, leant, free = (ParetoNBD.fit(history, None, weight, 5.0) for weight in (1000.0, 1e-6, 0.0))
    assert [pulled.r, pulled.alpha, pulled.s, pulled.beta] == pytest.approx([1, 5, 1, 5], rel=0.02)
    assert leant.r == pytest.approx(free.r, rel=0.02)
    assert free.alpha == pytest.approx(ParetoNBD.fit(history).alpha, rel=0.02)  # the scale is but where it starts


def test_predictions_come_true_in_the_planted_world_and_wrong_ones_do_not() -> None:
    history, later = planted_world(20000)
    again = (later > 0).astype(float)
    for group in (history.frequency == 0, history.frequency == 1, history.frequency > 1, history.recency > 35):
        error = 4 / np.sqrt(group.sum())
        chance = PLANTED.probability(history, HORIZON)[group].mean()
        assert again[group].mean() == pytest.approx(chance, abs=error * np.sqrt(chance * (1 - chance)))
        expected = PLANTED.expected_orders(history, HORIZON)[group].mean()
        assert later[group].mean() == pytest.approx(expected, abs=error * later[group].std())
    wrong = ParetoNBD(PLANTED.r, PLANTED.alpha, PLANTED.s, PLANTED.beta * 3)
    assert abs(wrong.probability(history, HORIZON).mean() - again.mean()) > 4 * again.std() / np.sqrt(len(again))


def test_each_customer_may_have_an_own_horizon() -> None:
    history = customers([2, 2], [20.0, 20.0], [AGE] * 2)
    for predict in (PLANTED.probability, PLANTED.expected_orders):
        both = predict(history, np.array([0.0, HORIZON]))
        assert both.tolist() == [0.0, predict(history, HORIZON)[1]]


def test_an_expectation_knows_no_special_s() -> None:
    history = customer(2, 20.0, AGE)
    near, at = (ParetoNBD(0.6, 10.0, s, 12.0).expected_orders(history, HORIZON) for s in (1 + 1e-6, 1.0))
    assert near == pytest.approx(at, rel=1e-5)


def test_a_prior_keeps_a_few_customers_from_certainty() -> None:
    silent = customers([0] * 30, [0.0] * 30, list(range(1, 31)))
    certain, wary = (ParetoNBD.fit(silent, prior_std).probability(silent, 30.0).mean() for prior_std in (None, 0.5))
    assert certain < 1e-6 < 1e-3 < wary
