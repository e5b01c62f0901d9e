"""The deviance is least for the truth, and coverage counts amounts to the cent."""

import numpy as np

from models.lifetime_value.metrics import interval_coverage, spend_deviance


def test_the_expected_deviance_is_least_for_the_truth() -> None:
    chance = np.random.default_rng(0)
    spend = np.where(chance.random(20_000) < 0.3, chance.exponential(50, 20_000), 0.0)
    deviances = [spend_deviance(spend, np.full(len(spend), mean)) for mean in (10.0, 15.0, 22.0)]
    assert np.argmin(deviances) == 1


def test_coverage_ignores_less_than_half_a_cent() -> None:
    spend, low, high = np.array([5.0, 5.0, 5.0, 5.0]), np.array([5.004, 5.01, 0, 0]), np.array([9, 9, 4.996, 4.9])
    assert interval_coverage(spend, low, high) == 0.5
