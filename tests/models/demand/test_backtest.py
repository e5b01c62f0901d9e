"""The backtest's rows are the last whole horizons; stacking finds the method that forecast them best."""

import numpy as np
import pytest

from models.demand.backtest import MAX_ROWS, backtest_origins, backtest_rows, stacking_weights
from models.demand.panel import CategoricalCovariates, PreparedPanel
from tests.models.demand.worlds import panel_of

DAYS, HORIZON = 70, 7
RANDOM = np.random.default_rng(0)
TRUTH, NOISE = RANDOM.uniform(5, 50, (2, 2_000))


def prepared(units: np.ndarray, observed: np.ndarray | None = None) -> PreparedPanel:
    panel = panel_of(units, observed)
    return CategoricalCovariates.fit(panel).prepare(panel, HORIZON)


def test_a_short_past_has_fewer_windows() -> None:
    assert backtest_origins(70, 7).tolist() == [49, 56, 63]
    assert backtest_origins(35, 7).tolist() == [21, 28]
    assert backtest_origins(14, 7).tolist() == [7]


def test_each_usable_step_of_each_window_is_a_row() -> None:
    observed = np.ones((3, DAYS), dtype=bool)
    observed[1, 65] = False
    rows = backtest_rows(prepared(np.ones((3, DAYS)), observed), seed=1)
    assert len(rows) == 3 * 3 * HORIZON - 1
    assert not ((rows.series == 1) & (rows.target == 65)).any()
    np.testing.assert_array_equal(rows.origin, np.array([49, 56, 63])[rows.window])
    step = rows.target - rows.origin
    assert (step.min(), step.max()) == (0, HORIZON - 1)


def test_a_series_counts_after_its_first_sale_only() -> None:
    units = np.ones((2, DAYS))
    units[1, :60] = 0
    rows = backtest_rows(prepared(units), seed=1)
    assert np.unique(rows.window[rows.series == 1]).tolist() == [2]
    assert np.unique(rows.window[rows.series == 0]).tolist() == [0, 1, 2]


def test_of_very_many_series_a_sample_is_taken_always_the_same() -> None:
    series = MAX_ROWS // HORIZON
    many = prepared(np.ones((series, 2 * HORIZON), dtype=np.float32))
    assert len(backtest_rows(many, seed=1)) == series * HORIZON  # one window: all of them
    three = prepared(np.ones((series, 6 * HORIZON), dtype=np.float32))
    rows = backtest_rows(three, seed=1)
    assert 0.9 * MAX_ROWS < len(rows) < 1.1 * MAX_ROWS
    np.testing.assert_array_equal(rows.series, backtest_rows(three, seed=1).series)


def test_the_method_that_is_right_gets_nearly_all_weight() -> None:
    weights = stacking_weights(np.column_stack([TRUTH, NOISE]), TRUTH)
    assert weights[0] > 0.9
    assert (weights >= 0).all()


def test_equal_methods_get_equal_weights() -> None:
    np.testing.assert_allclose(stacking_weights(np.column_stack([TRUTH, TRUTH]), TRUTH), [0.5, 0.5], rtol=1e-3)


@pytest.mark.parametrize("factor", [0.0, 0.8, 1.3])
def test_weights_sum_to_1_so_that_the_level_is_that_of_the_methods(factor: float) -> None:
    assert stacking_weights(factor * np.column_stack([TRUTH, TRUTH]), TRUTH).sum() == pytest.approx(1)
