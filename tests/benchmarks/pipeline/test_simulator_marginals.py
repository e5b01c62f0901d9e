import numpy as np
import pandas as pd
import pytest

from benchmarks.pipeline.simulator_marginals import order_marginals, session_marginals
from tests.worlds import day


def test_orders_of_a_known_rhythm() -> None:
    lines = [("a", f"a{n}", day(10 * n), item, 1) for n in range(4) for item in "xy"] + [("b", "b0", day(3), "x", 1)]
    found = order_marginals(pd.DataFrame(lines, columns=["customer_id", "order_id", "at", "item_id", "quantity"]))
    assert found["customers with an order"] == 2
    assert found["share who ordered again"] == 0.5
    assert found["days between orders, median"] == 10
    assert found["days between orders, deviation / mean"] == 0
    assert found["order lines: share of the top 10 %"] == pytest.approx(5 / 9)


def test_sessions_below_three_views_are_left_out() -> None:
    views = pd.DataFrame([(1, "x"), (1, "x"), (1, "y"), (2, "z"), (2, "z")], columns=["session_id", "item_id"])
    found = session_marginals(views)
    assert found["sessions with 3+ views"] == 1
    assert found["distinct items / views"] == pytest.approx(2 / 3)


def test_gini_of_equal_and_of_unequal_items() -> None:
    equal = session_marginals(pd.DataFrame({"session_id": np.repeat(range(4), 3), "item_id": np.tile(range(3), 4)}))
    assert equal["views: Gini"] == pytest.approx(0)
    one_of_many = [0] * 997 + [1, 2, 3]
    unequal = session_marginals(pd.DataFrame({"session_id": np.repeat(range(250), 4), "item_id": one_of_many}))
    assert unequal["views: Gini"] > 0.7
