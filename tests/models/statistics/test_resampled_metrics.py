"""Metrics of resamples: equal to those of the repeated cases."""

from collections.abc import Callable

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from models.statistics.probability_metrics import normalised_gini
from models.statistics.resampled_metrics import resampled_auc, resampled_gini, resampled_r2

RANDOM = np.random.default_rng(5)
CASES = 60
TIMES = RANDOM.multinomial(CASES, np.full(CASES, 1 / CASES), size=20).astype(float)
OUTCOME = (RANDOM.random(CASES) < 0.3).astype(float)
SPEND = np.round(RANDOM.gamma(0.5, 20, CASES) * OUTCOME, 1)
SCORE = np.round(RANDOM.normal(OUTCOME, 1.0), 1)  # rounded: it has ties


def r2(outcome: np.ndarray, score: np.ndarray) -> float:
    return float(max(np.corrcoef(outcome, score)[0, 1], 0) ** 2)


@pytest.mark.parametrize(
    ("resampled", "plain", "outcome"),
    [
        (resampled_auc, roc_auc_score, OUTCOME),
        (resampled_gini, normalised_gini, SPEND),
        (resampled_r2, r2, SPEND),
    ],
)
def test_counting_a_case_twice_is_repeating_it(
    resampled: Callable[..., np.ndarray], plain: Callable[..., float], outcome: np.ndarray
) -> None:
    repeated = [np.repeat(np.arange(CASES), times.astype(int)) for times in TIMES]
    expected = [plain(outcome[rows], SCORE[rows]) for rows in repeated]
    np.testing.assert_allclose(resampled(outcome, SCORE, TIMES), expected, atol=1e-9)


def test_a_resample_without_any_outcome_has_no_auc_and_no_gini() -> None:
    times = np.vstack([1 - OUTCOME, np.ones(CASES)])
    for resampled in (resampled_auc, resampled_gini):
        assert np.isnan(resampled(OUTCOME, SCORE, times)).tolist() == [True, False]
