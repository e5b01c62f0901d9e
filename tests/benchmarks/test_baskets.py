"""Each customer's last known basket is yesterday's, whatever its number; the target is only asked for."""

import pandas as pd

from benchmarks.baskets import K, cases, plain_lists, training
from benchmarks.recommendations.run import item_id
from contracts.time_units import SECONDS_PER_DAY


def test_baskets_are_a_day_apart_and_end_yesterday() -> None:
    rows = [(1, 1, 10), (1, 2, 10), (1, 2, 20), (2, 7, 30)]
    interactions, items, as_of = training(pd.DataFrame(rows, columns=["user_id", "basket_no", "item_id"]))
    places = zip(interactions.rows.tolist(), interactions.items.tolist(), interactions.times.tolist(), strict=True)
    before = {
        (interactions.customers.value(row), items.ids.value(item), (as_of - time) / SECONDS_PER_DAY)
        for row, item, time in places
    }
    assert before == {
        ("1", item_id(10), 1.5),
        ("1", item_id(10), 0.5),
        ("1", item_id(20), 0.5),
        ("2", item_id(30), 0.5),
    }


def test_a_customer_is_asked_for_the_whole_basket() -> None:
    rows = [(2, 40), (1, 10), (1, 50), (1, 10)]
    queries, targets = cases(pd.DataFrame(rows, columns=["user_id", "item_id"]))
    assert [(query.customer_id, query.k) for query in queries] == [("1", K), ("2", K)]
    assert targets == [{item_id(10), item_id(50)}, {item_id(40)}]


def test_plain_lists_are_those_of_the_customers_who_are_asked_for() -> None:
    known = pd.DataFrame([(1, 10), (1, 20), (1, 20), (2, 30), (3, 20), (3, 30)], columns=["user_id", "item_id"])
    found = plain_lists(known, pd.DataFrame({"user_id": [2, 1], "item_id": [1, 1]}))
    assert found["popular"] == [list(map(item_id, [20, 30, 10]))] * 2
    assert found["personal_frequency"] == [list(map(item_id, [20, 10])), [item_id(30)]]
    assert found["personal_frequency_then_popular"] == [
        list(map(item_id, [20, 10, 30])),
        list(map(item_id, [30, 20, 10])),
    ]
