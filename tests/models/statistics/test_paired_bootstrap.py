"""The paired bootstrap: its interval covers the true difference, also in few units and in dependent cases."""

from functools import partial

import numpy as np
import pytest

from models.statistics.paired_bootstrap import PairedCases, difference
from models.statistics.resampled_metrics import resampled_auc


def covers(cases: list[PairedCases], truth: float) -> float:
    found = [difference(each, seed=3, resamples=400) for each in cases]
    return float(np.mean([each is not None and each.low <= truth <= each.high for each in found]))


@pytest.mark.parametrize("units", [10, 200])
def test_the_interval_of_a_mean_covers_the_truth(units: int) -> None:
    random = np.random.default_rng(1)
    cases = [
        PairedCases.of_own_units(shared + random.normal(0.3, 1, units), shared)
        for shared in random.normal(0, 5, (200, units))
    ]
    assert 0.91 <= covers(cases, 0.3) <= 0.99


def test_cases_of_one_customer_are_resampled_together() -> None:
    """Twenty equal cases a customer: with each as independent, the interval would miss the truth most of the time."""
    random = np.random.default_rng(2)
    unit = np.repeat(np.arange(30), 20)
    gains = [random.normal(0, 1, 30)[unit] for _ in range(200)]
    none = np.zeros(len(unit))
    assert covers([PairedCases(unit, gain, none) for gain in gains], 0.0) > 0.91
    assert covers([PairedCases.of_own_units(gain, none) for gain in gains], 0.0) < 0.5


def test_the_same_resamples_for_both_keep_the_difference_narrow() -> None:
    random = np.random.default_rng(3)
    outcome = (random.random(300) < 0.4).astype(float)
    score = random.normal(outcome, 1)
    paired = PairedCases.of_own_units(score, score + 1e-9, partial(resampled_auc, outcome))
    found = difference(paired, seed=1)
    assert found is not None
    assert (found.low, found.value, found.high) == (0.0, 0.0, 0.0)


def test_the_same_seed_gives_the_same_interval_whatever_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    cases = PairedCases.of_own_units(random.normal(size=50), np.zeros(50))
    whole = difference(cases, seed=9, resamples=100)
    monkeypatch.setattr("models.statistics.paired_bootstrap.BLOCK", 50 * 7)
    in_blocks = difference(cases, seed=9, resamples=100)
    assert whole is not None
    assert in_blocks is not None
    assert (in_blocks.low, in_blocks.high) == pytest.approx((whole.low, whole.high))


def test_nothing_is_said_of_one_unit_or_of_an_undefined_metric() -> None:
    one = PairedCases(np.zeros(40, int), np.ones(40), np.zeros(40))
    assert difference(one, seed=1) is None
    same = PairedCases.of_own_units(np.arange(40.0), np.arange(40.0), partial(resampled_auc, np.ones(40)))
    assert difference(same, seed=1) is None
