"""Metrics by hand."""

import numpy as np
import pytest
from scipy.stats import poisson

from models.demand.forecast import QUANTILE_LEVELS
from models.demand.metrics import coverage, pinball, rmsse, rmsse_scale, tied_coverage, wape

PAST = np.array([[0, 0, 2, 4, 0], [0, 0, 0, 0, 0], [0, 0, 0, 0, 3], [5, 5, 5, 5, 5]], dtype=np.float32)


def test_wape() -> None:
    assert wape(np.array([[1.0, 3.0]]), np.array([[2.0, 3.0]])) == pytest.approx(0.25)
    assert wape(np.zeros((1, 2)), np.ones((1, 2))) is None


def test_the_scale_begins_at_the_first_sale_and_is_unknown_without_changes() -> None:
    np.testing.assert_allclose(rmsse_scale(PAST), [(2**2 + 4**2) / 2, np.nan, np.nan, np.nan])


def test_rmsse_leaves_out_series_without_a_scale() -> None:
    actual = np.array([[1.0, 3.0]] * 4)
    assert rmsse(actual, np.zeros((4, 2)), PAST) == pytest.approx(np.sqrt(5 / 10))
    assert rmsse(actual[:1], np.zeros((1, 2)), PAST[1:2]) is None


def test_only_the_cells_that_count_are_judged() -> None:
    actual, forecast, where = np.array([[1.0, 3.0]]), np.array([[1.0, 9.0]]), np.array([[True, False]])
    assert wape(actual, forecast, where) == 0
    assert coverage(actual, forecast, forecast, where) == 1


def test_pinball_is_least_at_the_true_quantiles() -> None:
    actual = np.random.default_rng(0).normal(size=(1, 20_000)) + 10
    true = np.quantile(actual, QUANTILE_LEVELS)
    best = pinball(actual, np.broadcast_to(true, (*actual.shape, len(QUANTILE_LEVELS))))
    for place in range(len(QUANTILE_LEVELS)):
        shift = np.where(np.arange(len(QUANTILE_LEVELS)) == place, 0.3, 0)
        assert pinball(actual, np.broadcast_to(true + shift, (*actual.shape, len(QUANTILE_LEVELS)))) > best
    assert pinball(np.array([[4.0]]), np.full((1, 1, len(QUANTILE_LEVELS)), 2.0)) == pytest.approx(
        2 * np.mean(QUANTILE_LEVELS)
    )


def test_coverage_includes_the_ends() -> None:
    assert coverage(np.array([0.0, 1.0, 2.0, 3.0]), np.zeros(4), np.full(4, 2.0)) == 0.75


def test_values_on_the_ends_of_a_band_count_as_outside_up_to_their_due() -> None:
    units = np.random.default_rng(0).poisson(0.5, 40_000).astype(float)
    low, high = (np.full(len(units), poisson.ppf(level, 0.5)) for level in (0.1, 0.9))
    assert coverage(units, low, high) > 0.85
    assert tied_coverage(units, low, high) == pytest.approx(0.8, abs=0.01)
    assert tied_coverage(units, low, high - 1) < 0.75  # the control: a high end that is too low
    assert tied_coverage(units, low, high + 2) > 0.85
