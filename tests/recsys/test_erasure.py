"""Customers are taken out of a stored recommender, and nobody else's answers change."""

import numpy as np

from recsys.erasure import customers_of, without_customers
from recsys.recommender import Recommender
from recsys.request import Query
from tests.serving.shop import CUSTOMERS, shop_recommender

ERASED = ["customer-03", "customer-30", "nobody"]


def erased_recommender() -> tuple[dict[str, np.ndarray], Recommender]:
    before = shop_recommender()
    arrays = before.to_arrays()
    arrays = arrays | without_customers(arrays, ERASED)
    texts = {name: ranker.text for name, ranker in before.rankers.items()}
    return arrays, Recommender.from_arrays(arrays, texts, before.retriever.parameters, before.as_of)


def test_nobody_finds_the_erased_and_no_array_has_their_ids_or_histories() -> None:
    arrays, after = erased_recommender()
    assert not {"customer-03", "customer-30"} & set(customers_of(arrays).values())
    assert len(customers_of(arrays)) == len(CUSTOMERS) - 2
    assert not after.recommend(Query(customer_id="customer-03", k=3)).is_known_customer
    assert len(after.histories) == len(shop_recommender().histories) - 2 * 20


def test_everybody_else_gets_the_same_answers() -> None:
    _, after = erased_recommender()
    for customer in set(CUSTOMERS) - set(ERASED):
        query = Query(customer_id=customer, k=8)
        assert after.recommend(query).items == shop_recommender().recommend(query).items


def test_where_nobody_is_erased_nothing_changes() -> None:
    assert without_customers(shop_recommender().to_arrays(), ["nobody"]) == {}
