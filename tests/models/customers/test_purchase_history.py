import numpy as np

from models.customers.purchase_history import PurchaseHistory

ORDERS = {
    "customer_id": np.array(["b", "a", "a", "a", "b", "c"]),
    "day": np.array([110, 100, 114, 114, 128, 129]),
    "value": np.array([5.0, 10.0, 20.0, 30.0, 99.0, 99.0]),
}


def test_orders_of_a_day_are_one_and_later_ones_unknown() -> None:
    history = PurchaseHistory.of_orders(**ORDERS, last_day=121, unit_days=7)
    assert history.customer_id.tolist() == ["a", "b"]  # c's first order is still to come
    assert history.frequency.tolist() == [1, 0]
    assert history.orders.tolist() == [2, 1]
    assert history.recency.tolist() == [2.0, 0.0]
    assert history.age.tolist() == [3.0, 11 / 7]
    assert history.mean_value.tolist() == [30.0, 5.0]


def test_no_orders_are_no_customers() -> None:
    assert len(PurchaseHistory.of_orders(**ORDERS, last_day=99)) == 0


def test_equal_histories_become_one_row_and_back() -> None:
    history = PurchaseHistory.of_orders(**ORDERS, last_day=200)
    twice = history.subset(np.array([2, 0, 2, 1, 0, 2]))
    distinct, row, count = twice.distinct()
    assert len(distinct) == 3
    assert count.sum() == 6
    for column in ("frequency", "recency", "age"):
        assert np.array_equal(getattr(distinct, column)[row], getattr(twice, column))
