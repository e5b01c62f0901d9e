"""The baselines rank customers by what was known at the cut, and by nothing else."""

import numpy as np
import pandas as pd
import pytest

from benchmarks.customers.baselines import BASELINES, mean_rate, snapshot
from benchmarks.customers.metrics import order_metrics
from benchmarks.customers.split import DAY, split
from tests.benchmarks.customers.worlds import END, START, orders_of_a_store


def daily(orders: pd.DataFrame) -> pd.DataFrame:
    """As read from a file: identifiers are text, days have no time."""
    return orders.assign(customer_id=orders["customer_id"].astype(str), ordered_at=orders["ordered_at"].dt.floor("D"))


ORDERS = daily(orders_of_a_store())


@pytest.mark.parametrize("name", BASELINES)
def test_a_baseline_ranks_but_sees_nothing_of_the_holdout(name: str) -> None:
    cut = split(ORDERS, END, 90)
    prediction = BASELINES[name](cut)
    assert (order_metrics(cut, prediction)["orders_corr"] or 0) > 0.2
    later = ORDERS["ordered_at"] >= END
    changed = ORDERS.assign(order_value=ORDERS["order_value"].where(~later, 999.0))[~later | (ORDERS.index % 2 == 0)]
    without = BASELINES[name](split(changed, END, 90))
    assert all(np.array_equal(prediction[key], without[key]) for key in prediction)


def test_the_mean_rate_goes_on() -> None:
    days = [START, START + 20 * DAY, START + 40 * DAY]
    rows = [("a", day, 1, 6.0) for day in days] + [("b", END - 10 * DAY, 1, 5.0)]
    cut = split(pd.DataFrame(rows, columns=["customer_id", "ordered_at", "units", "order_value"]), END, 50)
    prediction = mean_rate(cut)
    assert prediction["orders"].tolist() == pytest.approx([3 * 50 / 199, 1])  # of b, ten days count as fifty
    assert prediction["spend"].tolist() == pytest.approx([18 * 50 / 199, 5])


def test_the_earlier_snapshot_ends_where_the_holdout_begins() -> None:
    earlier = snapshot(split(ORDERS, END, 150))
    assert earlier.horizon_days == 100  # half of what is known: the whole horizon does not fit
    assert earlier.calibration_end + earlier.horizon_days * DAY == END
    assert snapshot(split(ORDERS, END, 30)).horizon_days == 30
