"""The forest follows what is known of a row, and learns nothing from what only tells the windows apart."""

import numpy as np

from models.demand.forecast import HIGH, LOW
from models.demand.intervals.quantile_forest import fit_quantile_forest
from models.demand.metrics import coverage

ROWS, WINDOWS = 9_000, 3
RNG = np.random.default_rng(0)
FOLD = np.repeat(np.arange(WINDOWS), ROWS // WINDOWS)
NOISY = RNG.integers(0, 2, ROWS)
CENTRE = np.full(ROWS, 100.0)


def features(window: np.ndarray) -> np.ndarray:
    """What tells how noisy a row is, and what is one number for all rows of a window."""
    return np.column_stack([NOISY, window]).astype(np.float32)


def units(width: np.ndarray) -> np.ndarray:
    found: np.ndarray = np.maximum(CENTRE * (1 + width * RNG.normal(size=ROWS)), 0)
    return found


def test_noisier_rows_have_wider_bands_that_hold_their_share() -> None:
    width = np.where(NOISY > 0, 0.3, 0.1)
    forest, out_of_fold, _ = fit_quantile_forest(features(FOLD), CENTRE, units(width), FOLD, seed=1, threads=1)
    later, (quantiles, _) = units(width), forest.predict(features(FOLD), CENTRE)
    for found in (out_of_fold, quantiles):
        for noisy in (0, 1):
            chosen = noisy == NOISY
            assert 0.77 <= coverage(later[chosen], found[chosen, LOW], found[chosen, HIGH]) <= 0.83


def test_what_is_one_for_all_rows_of_a_window_is_not_learnt_from() -> None:
    quiet = np.where(FOLD == WINDOWS - 1, 0.05, 0.3)  # the last window happened to be an easy one
    forest, _, _ = fit_quantile_forest(features(FOLD), CENTRE, units(quiet), FOLD, seed=1, threads=1)
    assert forest.columns.tolist() == [0]
    quantiles, _ = forest.predict(features(np.full(ROWS, WINDOWS)), CENTRE)
    assert (quantiles[:, HIGH] - quantiles[:, LOW]).mean() > 30


def test_the_chance_of_no_sale_is_told() -> None:
    sold = np.where(RNG.random(ROWS) < np.where(NOISY > 0, 0.6, 0.1), 0, CENTRE)
    forest, _, _ = fit_quantile_forest(features(FOLD), CENTRE, sold, FOLD, seed=1, threads=1)
    _, zeros = forest.predict(features(FOLD), CENTRE)
    assert abs(zeros[NOISY > 0].mean() - 0.6) < 0.03
    assert abs(zeros[NOISY == 0].mean() - 0.1) < 0.03
