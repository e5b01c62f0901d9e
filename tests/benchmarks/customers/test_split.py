"""Histories, holdouts and cuts of orders."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.customers.split import DAY, one_cut, read_orders, rolling_cuts, split
from tests.benchmarks.customers.worlds import END, START, orders_of_a_store


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    orders_of_a_store().to_parquet(tmp_path / "orders.parquet")
    return tmp_path


def test_an_order_is_a_day_on_which_something_was_kept(tmp_path: Path) -> None:
    rows = [("a", "2025-01-01 09:00", 1, 5.0), ("a", "2025-01-01 18:00", 2, 7.0), ("a", "2025-01-02", -1, -5.0)]
    rows += [("a", "2025-01-03", 0, 0.0), ("b", "2025-01-04", 1, 0.0)]
    frame = pd.DataFrame(rows, columns=["customer_id", "ordered_at", "units", "order_value"])
    frame.assign(ordered_at=pd.to_datetime(frame["ordered_at"], format="ISO8601")).to_parquet(
        tmp_path / "orders.parquet"
    )
    orders = read_orders(tmp_path)
    assert orders[["customer_id", "units", "order_value"]].to_numpy().tolist() == [["a", 3, 12.0], ["b", 1, 0.0]]


def test_orders_without_a_value_are_named_and_not_cut(tmp_path: Path) -> None:
    orders = pd.DataFrame(
        {"customer_id": ["a"], "ordered_at": [pd.Timestamp("2026-01-01")], "units": [1], "order_value": [np.nan]}
    )
    orders.to_parquet(tmp_path / "orders.parquet")
    with pytest.raises(SystemExit, match=r"None of the 1 rows .* is an order"):
        read_orders(tmp_path)


def test_the_cut_scores_known_customers_by_what_came_within_the_horizon(folder: Path) -> None:
    orders = read_orders(folder)
    cut = split(orders, END, 50)
    assert cut.history["ordered_at"].max() < END
    assert cut.customers.tolist() == sorted(set(cut.history["customer_id"]))
    within = orders[orders["ordered_at"].between(END, END + 49 * DAY)]
    mine = within[within["customer_id"] == cut.customers[7]]
    assert cut.orders[7] == len(mine)
    assert cut.spend[7] == pytest.approx(mine["order_value"].sum())
    assert cut.orders.sum() == within["customer_id"].isin(cut.customers).sum()


def test_the_last_two_fifths_are_holdout_unless_a_date_is_named(folder: Path) -> None:
    orders = read_orders(folder)
    days = (orders["ordered_at"].max() - orders["ordered_at"].min()).days + 1
    assert one_cut(orders, None, None)[1] == round(0.4 * days)
    assert one_cut(orders, START + 100 * DAY, 4) == (START + 101 * DAY, 28)
    with pytest.raises(SystemExit, match="calibration would end"):
        one_cut(orders, START + 900 * DAY, None)


def test_rolling_cuts_are_months_with_a_whole_horizon(folder: Path) -> None:
    orders = read_orders(folder)
    cuts = rolling_cuts(orders, 60)
    assert [str(end.date()) for end, _ in cuts] == ["2025-06-01", "2025-07-01", "2025-08-01"]
    with pytest.raises(SystemExit, match="fewer --horizon-days"):
        rolling_cuts(orders, 200)


def test_further_customers_are_others_and_known_no_longer(folder: Path) -> None:
    cut = split(read_orders(folder), END, 50, read_orders(folder))
    assert cut.further is not None
    assert cut.further["ordered_at"].max() < END
    assert not set(cut.further["customer_id"]) & set(cut.customers)
    assert len(cut.all_orders) == 2 * len(cut.history)
