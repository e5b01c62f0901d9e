"""Stacking finds the method that is right, for each class apart, and shrinks towards equal weights."""

import numpy as np
import pytest

from models.demand.ensemble import MIN_ROWS, ForecastCombination, mean_weights, median_weights
from models.demand.methods.regression import REGRESSIONS
from models.demand.model import WEIGHTS

ROWS = 4 * MIN_ROWS
RANDOM = np.random.default_rng(0)
TRUTH = RANDOM.uniform(5, 50, ROWS)
NOISE = RANDOM.uniform(5, 50, ROWS)
STEADY, GROWING = REGRESSIONS


def combination(code: np.ndarray, good: dict[str, np.ndarray]) -> ForecastCombination:
    flat = np.full(ROWS, TRUTH.mean())
    forecasts = good | {STEADY: flat, GROWING: flat}
    return ForecastCombination.fit(forecasts, TRUTH, np.ones(ROWS), code, np.arange(ROWS) % 50, WEIGHTS)


def test_the_method_that_is_right_gets_nearly_all_weight() -> None:
    both = np.column_stack([TRUTH, NOISE])
    for weights in (mean_weights(both, TRUTH, np.ones(ROWS)), median_weights(both, TRUTH)):
        assert weights[0] > 0.9
        assert (weights >= 0).all()


def test_equal_methods_get_equal_weights() -> None:
    np.testing.assert_allclose(median_weights(np.column_stack([TRUTH, TRUTH]), TRUTH), [0.5, 0.5], rtol=1e-3)


def test_the_mean_corrects_the_level_and_the_median_does_not() -> None:
    low = np.column_stack([0.8 * TRUTH, 0.8 * TRUTH])
    assert mean_weights(low, TRUTH, np.ones(ROWS)).sum() == pytest.approx(1.25, rel=0.01)
    assert median_weights(low, TRUTH).sum() == pytest.approx(1)


def test_each_class_has_its_own_method_and_a_small_class_that_of_all() -> None:
    code = np.where(np.arange(ROWS) < ROWS // 2, 0, 1)
    code[:5] = 2
    first = np.where(code == 1, NOISE, TRUTH)
    second = np.where(code == 1, TRUTH, NOISE)
    fitted = combination(code, {"first": first, "second": second})
    assert fitted.main_methods[0] == "first"
    assert fitted.main_methods[1] == "second"
    np.testing.assert_array_equal(fitted.mean[2], fitted.mean[3])  # both too small
    mean, median = fitted.combine({"first": first, "second": second, STEADY: TRUTH, GROWING: TRUTH}, code)
    for found in (mean, median):
        assert np.abs(found[5:] / TRUTH[5:] - 1).mean() < 0.1


def test_rows_with_a_trend_have_weights_of_their_own() -> None:
    trending = np.arange(ROWS) % 2 == 0
    forecasts = {
        "first": np.where(trending, NOISE, TRUTH),
        "second": np.where(trending, TRUTH, NOISE),
        STEADY: np.full(ROWS, 20.0),
        GROWING: np.where(trending, 30.0, 20.0),
    }
    fitted = ForecastCombination.fit(
        forecasts, TRUTH, np.ones(ROWS), np.zeros(ROWS, dtype=np.int64), np.arange(ROWS) % 50, WEIGHTS
    )
    mean, _ = fitted.combine(forecasts, np.zeros(ROWS, dtype=np.int64))
    assert np.abs(mean / TRUTH - 1).mean() < 0.1
