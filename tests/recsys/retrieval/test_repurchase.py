"""Repurchase: the customer who buys every 30 days, and the item that nobody buys twice."""

import numpy as np
import pytest

from recsys.data.catalogue import Items
from recsys.data.user_history import UserHistory
from recsys.retrieval.repurchase import PRIOR_GAPS, Repurchase, due, item_intervals
from tests.recsys.stores import CART, ORDER, VIEW, Row, interactions, item_ids, retriever, user

ITEMS = Items.of(item_ids(6), categories=["coffee", "coffee", "filters", "lamps", "lamps", None])


def every(days: float, item: int, customers: int, orders: int = 4, prefix: str = "c") -> list[Row]:
    """Customers who order `item` every so many days, the last time on the day 99."""
    return [
        (f"{prefix}{number}", f"item-00{item}", "order", 99.0 - days * back)
        for number in range(customers)
        for back in range(orders)
    ]


# Coffee 0 every 20 days; coffee 1 once each; a lamp 3 by many and never again.
ROWS = [*every(20, 0, 5), *every(20, 1, 2, orders=1), *every(1, 3, 60, orders=1)]


def intervals(rows: list[Row]) -> np.ndarray:
    return item_intervals(interactions(rows, ITEMS), ITEMS.category)


def source() -> Repurchase:
    return retriever(ROWS, ITEMS, 100).repurchase


def interval(asked: UserHistory) -> float:
    (found,) = source().purchases_of(asked).interval_days
    return float(found)


def buyer(item: int, *days_ago: float) -> UserHistory:
    return user([(item, ORDER, ago) for ago in days_ago])


def test_an_item_is_wanted_again_after_its_median_interval() -> None:
    assert intervals(ROWS)[0] == 20
    mixed = [*every(20, 0, 5, orders=2), *every(10, 0, 4, orders=2, prefix="d")]
    assert intervals(mixed)[0] == 20


def test_an_item_that_nobody_buys_twice_is_never_due() -> None:
    assert np.isnan(intervals(ROWS)[3])
    assert np.isnan(intervals(ROWS)[5])  # and one that nobody bought
    assert np.isnan(interval(buyer(3, 30.0)))
    assert due(30.0, float("nan"), 1.0) == 0


def test_where_an_item_shows_too_little_its_category_speaks_then_the_store() -> None:
    once_more = every(7, 1, 1, orders=2)  # one gap of 7 days: too few for an interval of its own
    assert intervals([*every(20, 0, 5), *once_more])[1] == 20
    other = [("x", "item-002", "order", 90.0), ("x", "item-002", "order", 97.0)]
    assert intervals([*every(20, 0, 5), *other])[2] == 20


def test_two_orders_of_one_day_are_one_purchase() -> None:
    same_day: list[Row] = [(f"c{n}", "item-000", "order", 50 + part) for n in range(9) for part in (0.0, 0.2)]
    assert np.isnan(intervals(same_day)[0])
    assert source().purchases_of(buyer(0, 30.2, 30.0)).orders.tolist() == [1]


def test_a_customer_who_buys_every_30_days_has_an_interval_near_30() -> None:
    gaps = 11
    own = interval(buyer(0, *(30.0 * back for back in range(gaps, -1, -1))))
    assert own == pytest.approx((gaps * 30 + PRIOR_GAPS * 20) / (gaps + PRIOR_GAPS))


def test_the_own_interval_counts_more_the_more_often_it_was_seen() -> None:
    seen = [interval(buyer(0, *(30.0 * back for back in range(gaps, -1, -1)))) for gaps in range(6)]
    assert seen[0] == 20  # the item's
    assert seen == sorted(seen)
    assert seen[-1] < 30


def test_where_the_item_has_no_interval_the_own_one_stands_alone() -> None:
    assert interval(buyer(3, 60.0, 45.0, 30.0)) == 15


def test_an_order_is_due_most_at_its_interval() -> None:
    days = [1.0, 10.0, 20.0, 40.0, 200.0]
    found = [due(day, 20.0, 3.0) for day in days]
    assert int(np.argmax(found)) == 2
    assert due(20.0, 20.0, 1.0) < due(20.0, 20.0, 9.0) < 1
    assert found[0] < 0.1


def test_only_what_was_ordered_is_a_purchase() -> None:
    asked = user([(0, VIEW, 30.0), (1, CART, 25.0), (2, ORDER, 20.0), (2, VIEW, 3.0)])
    found = source().purchases_of(asked)
    assert found.items.tolist() == [2]
    assert found.days_since.tolist() == [20]
    assert len(source().purchases_of(user([])).items) == 0
