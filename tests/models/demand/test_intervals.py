"""The forest follows what is known of a row, and learns nothing from what only tells the windows apart."""

import numpy as np

from models.demand.forecast import HIGH, LOW
from models.demand.intervals import fit_quantile_forest
from models.demand.metrics import coverage
from models.protocol import FitContext

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
    forest = fit_quantile_forest(features(FOLD), CENTRE, units(width), FOLD, FitContext(1, 1))
    later, found = units(width), forest.predict(features(FOLD), CENTRE)
    for noisy in (0, 1):
        chosen = noisy == NOISY
        assert 0.77 <= coverage(later[chosen], found[chosen, LOW], found[chosen, HIGH]) <= 0.83


def test_what_is_one_for_all_rows_of_a_window_is_not_learnt_from() -> None:
    quiet = np.where(FOLD == WINDOWS - 1, 0.05, 0.3)  # the last window happened to be an easy one
    forest = fit_quantile_forest(features(FOLD), CENTRE, units(quiet), FOLD, FitContext(1, 1))
    assert forest.columns.tolist() == [0]
    quantiles = forest.predict(features(np.full(ROWS, WINDOWS)), CENTRE)
    assert (quantiles[:, HIGH] - quantiles[:, LOW]).mean() > 30
