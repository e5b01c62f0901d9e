import numpy as np
import pytest

from models.uplift.qini import qini, qini_resamples, uplift_at

# Two treated who ordered, two treated who did not, and the same in the control arm.
OUTCOME = np.array([1, 1, 0, 0, 1, 1, 0, 0])
TREATED = np.array([1, 1, 1, 1, 0, 0, 0, 0])
BEST = OUTCOME * (2.0 * TREATED - 1)


def random_experiment(seed: int, customers: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return (generator.random(customers) < 0.2).astype(int), (generator.random(customers) < 0.5).astype(int)


def test_the_best_ranking_has_one_and_the_worst_is_below_chance() -> None:
    assert qini(OUTCOME, TREATED, BEST) == pytest.approx(1)
    assert (qini(OUTCOME, TREATED, -BEST) or 0) < 0


def test_a_constant_score_has_none() -> None:
    assert qini(OUTCOME, TREATED, np.ones(8)) == pytest.approx(0)


def test_a_random_score_is_about_zero() -> None:
    outcome, treated = random_experiment(1)
    values = [qini(outcome, treated, np.random.default_rng(seed).random(len(outcome))) for seed in range(30)]
    assert np.mean(np.array(values, float)) == pytest.approx(0, abs=0.02)


def test_by_hand() -> None:
    """Three customers by falling score: treated and ordered, control and ordered, treated and did not."""
    outcome, treated, score = np.array([1, 1, 0]), np.array([1, 0, 1]), np.array([3.0, 2.0, 1.0])
    # Curve 0, 1, 1 - 1 * 1/1 = 0, 1 - 1 * 2/1 = -1: area 0.5 + 0.5 - 0.5, less that under the line, -1.5.
    # Best: treated and ordered, treated and did not, control and ordered: 0, 1, 1, -1: 0.5 + 1 + 0, less -1.5.
    assert qini(outcome, treated, score) == pytest.approx((0.5 + 1.5) / (1.5 + 1.5))


def test_the_figures_are_those_of_the_published_implementation() -> None:
    """Expected values were computed with scikit-uplift 0.5.1 (qini_auc_score, uplift_at_k overall)."""
    outcome, treated = np.array([1, 0, 1, 1, 0, 0, 1, 0]), np.array([1, 1, 0, 1, 0, 0, 0, 1])
    score = np.array([0.9, 0.1, 0.2, 0.8, 0.4, 0.4, 0.3, 0.4])
    assert qini(outcome, treated, score) == pytest.approx(0.875)


def test_counting_customers_twice_is_having_them_twice() -> None:
    outcome, treated = random_experiment(2, 300)
    score = np.random.default_rng(3).random(300)
    weight = np.random.default_rng(4).integers(1, 3, 300)
    rows = np.repeat(np.arange(300), weight)
    assert qini(outcome, treated, score, weight) == pytest.approx(qini(outcome[rows], treated[rows], score[rows]))


def test_it_is_not_defined_without_both_arms_or_without_orders() -> None:
    assert qini(OUTCOME, np.ones(8, int), BEST) is None
    assert qini(np.zeros(8, int), TREATED, BEST) is None


def test_uplift_at_the_top() -> None:
    score = np.arange(8.0)
    assert uplift_at(OUTCOME, TREATED, np.array([9, 1, 1, 1, 1, 1, 9, 1.0]), share=0.25) == 1.0
    assert uplift_at(OUTCOME, TREATED, score, share=0.25) is None


def test_resamples_spread_around_the_figure_and_are_shared() -> None:
    outcome, treated = random_experiment(5)
    score = np.random.default_rng(6).random(len(outcome))
    drawn = qini_resamples(outcome, treated, {"one": score, "same": score, "best": outcome * (2.0 * treated - 1)}, 7)
    assert np.array_equal(drawn["one"], drawn["same"])
    assert drawn["best"] == pytest.approx(np.ones(200))
    value = qini(outcome, treated, score)
    assert value is not None
    assert drawn["one"].mean() == pytest.approx(value, abs=2 * drawn["one"].std())
    assert 0 < drawn["one"].std() < 0.1
