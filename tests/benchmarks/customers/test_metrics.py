"""The metrics of three customers, reckoned by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.customers.metrics import order_metrics
from benchmarks.customers.split import Split


def cut(orders: list[int], spend: list[float]) -> Split:
    """A holdout with these outcomes."""
    ids = np.array([f"c{number}" for number in range(len(orders))])
    return Split(pd.DataFrame(), None, pd.Timestamp("2025-07-01"), 90, ids, np.array(orders), np.array(spend))


def test_errors_are_those_of_what_was_predicted() -> None:
    found = order_metrics(
        cut([0, 1, 3], [0, 10, 60]), {"orders": np.array([1.0, 1, 2]), "spend": np.array([5.0, 9, 21])}
    )
    assert found["orders_total_error"] == pytest.approx(0)
    assert found["orders_mae"] == pytest.approx(2 / 3)
    assert found["orders_rmse"] == pytest.approx((2 / 3) ** 0.5)
    assert found["orders_corr"] == pytest.approx(0.9449, abs=1e-4)
    assert found["spend_total_error"] == pytest.approx(-0.5)
    assert found["spend_spearman"] == found["spend_gini"] == pytest.approx(1)
    assert found["spend_coverage"] is None


def test_a_reversed_ranking_and_a_constant_one_are_told() -> None:
    truth = cut([0, 1, 3], [0, 10, 60])
    upside_down = order_metrics(truth, {"orders": np.array([3.0, 1, 0]), "spend": np.array([60.0, 10, 0])})
    assert upside_down["spend_spearman"] == pytest.approx(-1)
    constant = order_metrics(truth, {"orders": np.ones(3), "spend": np.ones(3)})
    assert constant["orders_corr"] is constant["spend_spearman"] is None
    assert constant["spend_gini"] == pytest.approx(0)


def test_coverage_is_also_of_those_who_will_probably_buy() -> None:
    bounds = {"spend_low": np.array([0.0, 0, 0]), "spend_high": np.array([1.0, 10, 50])}
    prediction = {"orders": np.array([0.1, 1.0, 2.0]), "spend": np.ones(3)} | bounds
    found = order_metrics(cut([0, 1, 3], [0, 10, 60]), prediction)
    assert found["spend_coverage"] == pytest.approx(2 / 3)
    assert found["spend_coverage_of_likely_buyers"] == pytest.approx(1 / 2)
    nobody = order_metrics(cut([0, 1, 3], [0, 10, 60]), prediction | {"orders": np.full(3, 0.5)})
    assert nobody["spend_coverage_of_likely_buyers"] is None


def test_without_orders_a_total_has_no_error() -> None:
    found = order_metrics(cut([0, 0], [0, 0]), {"orders": np.ones(2), "spend": np.ones(2)})
    assert found["orders_total_error"] is found["spend_total_error"] is found["spend_gini"] is None
