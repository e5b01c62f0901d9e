"""The null distribution, learned from earlier slopes with known variances."""

import numpy as np
import pytest

from models.trends.null_distribution import MAX_PRIOR_FREEDOM, fit_null, overlap_freedom, variance_line


def test_dispersion_and_rate_variance_are_recovered() -> None:
    random = np.random.default_rng(1)
    poisson = random.uniform(1e-4, 1e-2, 20_000)
    squares = random.normal(0, np.sqrt(2.5 * poisson + 1e-3)) ** 2
    dispersion, rate_variance = variance_line(squares, poisson)
    assert dispersion == pytest.approx(2.5, rel=0.05)
    assert rate_variance == pytest.approx(1e-3, rel=0.1)


def test_the_dispersion_is_at_least_one() -> None:
    poisson = np.linspace(1e-4, 1e-2, 500)
    assert variance_line(0.1 * poisson, poisson)[0] == 1.0


def test_true_trends_in_some_earlier_windows_are_not_taken_for_noise() -> None:
    random = np.random.default_rng(2)
    poisson = np.full(10_000, 1e-3)
    slopes = random.normal(0, np.sqrt(poisson))
    slopes[:300] = 0.5
    dispersion, rate_variance = variance_line(slopes**2, poisson)
    assert dispersion * 1e-3 + rate_variance < 1.35e-3
    assert np.mean(slopes**2) > 8e-3  # the control: a plain mean


def noise_of(spread: np.ndarray, windows: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    past = random.normal(size=(len(spread), windows)) * spread[:, None]
    return fit_null(past, np.full_like(past, 1e-4), 1.0).factor


def test_a_restless_series_is_granted_more_noise_and_a_lone_window_less() -> None:
    is_restless = np.arange(400) % 4 == 0
    many, few = (noise_of(np.where(is_restless, 0.1, 0.02), windows, 3) for windows in (10, 1))
    many_ratio, few_ratio = (np.median(factor[is_restless]) / np.median(factor[~is_restless]) for factor in (many, few))
    assert many_ratio > 5
    assert 1 < few_ratio < many_ratio / 2


def test_series_that_differ_only_by_chance_share_one_variance() -> None:
    factor = noise_of(np.full(600, 0.03), 8, 4)
    assert factor.std() / factor.mean() < 0.35
    own = np.random.default_rng(4).chisquare(7, 600) / 7
    assert own.std() > 0.45  # the control: what each would be granted alone


def test_a_series_that_always_grew_strays_from_its_own_growth() -> None:
    past = np.random.default_rng(5).normal(0, 0.02, (300, 8))
    past[0] += 0.2
    factor = fit_null(past, np.full_like(past, 4e-4), 1.0).factor
    assert factor[0] < 3 * np.median(factor)


def test_a_series_without_earlier_windows_gets_the_widest_class() -> None:
    past = np.random.default_rng(6).normal(0, 0.02, (300, 3))
    past[0] = np.nan
    noise = fit_null(past, np.where(np.isnan(past), np.nan, 4e-4), 1.0)
    assert np.isfinite(noise.factor).all()
    assert noise.freedom[0] < noise.freedom[1:].min()
    assert noise.freedom.max() <= MAX_PRIOR_FREEDOM + 3


def test_windows_that_overlap_are_worth_less() -> None:
    assert overlap_freedom(16, 16, 5) == 1.0
    assert overlap_freedom(16, 1, 30) < overlap_freedom(16, 4, 8) < 1.0
