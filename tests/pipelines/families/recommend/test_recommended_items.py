"""Recommended items as a column of the customers' table: who gets them, which, and under which policy."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pytest

from pipelines.families.family import BundleDraft
from pipelines.families.recommend.family import RECOMMEND
from pipelines.families.recommend.recommended_items import (
    recommended_items,
    with_recommended_items,
)
from recsys.files import write_recommender
from recsys.recommender import Recommender
from recsys.request import Query
from recsys.reranking.policy import Boost, PlacementPolicy, Policy
from tests.recsys.stores import checkerboard_recommender, colour

CUSTOMERS = [f"customer-{number:03d}" for number in range(10)]
MOMENT = datetime(2025, 6, 1, tzinfo=UTC)
QUERY = Query(customer_id=CUSTOMERS[0], k=10)


@cache
def recommender() -> Recommender:
    return checkerboard_recommender()


def customers(**columns: Any) -> pa.Table:
    ordered_at = [MOMENT - timedelta(days=number) for number in range(len(CUSTOMERS))]
    return pa.table({"customer_id": CUSTOMERS, "last_order_at": ordered_at} | columns)


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> BundleDraft:
    """A draft with the recommender's files, and an items' table that says which item is overstocked."""
    folder = tmp_path_factory.mktemp("recommend")
    write_recommender(folder, recommender())
    ranked = [item.item_id for item in recommender().recommend(QUERY).items]
    items = pa.table({"item_id": [ranked[0], ranked[-1]], "overstock_units": [0.0, 40.0]})
    return BundleDraft(folder, MOMENT, items, frozenset({"overstock_units"}), Policy())


def test_each_gets_up_to_three_items_of_their_own_taste() -> None:
    for customer, items in zip(CUSTOMERS, recommended_items(customers(), recommender()).to_pylist(), strict=True):
        assert len(set(items)) == 3
        assert {colour(item) for item in items} == {colour(customer)}
        answer = recommender().recommend(Query(customer_id=customer, k=3))
        assert items == [item.item_id for item in answer.items]


def test_customers_who_refused_personalization_or_are_not_known_get_none() -> None:
    table = customers(
        customer_id=["nobody-we-know", *CUSTOMERS[1:]], consent_personalization=[None, False, True, *[None] * 7]
    )
    lists = recommended_items(table, recommender()).to_pylist()
    assert lists[:2] == [None, None]
    assert all(lists[2:])


def test_two_threads_answer_as_one_does_and_progress_is_shown() -> None:
    steps: list[tuple[float | None, float | None]] = []

    def progress(step: str, done: float | None = None, total: float | None = None) -> None:
        steps.append((done, total))

    one, two = (recommended_items(customers(), recommender(), progress, threads) for threads in (1, 2))
    assert one == two
    assert one.type == pa.list_(pa.string())
    assert steps[-1] == (10, 10)


def test_a_huge_store_recommends_to_those_with_most_at_risk() -> None:
    table = customers(value_at_risk=[10.0, 90.0, None, 80.0, *[1.0] * 6])
    lists = recommended_items(table, recommender(), max_recommended=2).to_pylist()
    assert [bool(items) for items in lists] == [number in (1, 3) for number in range(10)]


def test_without_values_those_who_ordered_last_come_first() -> None:
    lists = recommended_items(customers(), recommender(), max_recommended=3).to_pylist()
    assert [bool(items) for items in lists] == [number < 3 for number in range(10)]


def test_no_customers_are_no_error() -> None:
    assert len(recommended_items(customers().slice(0, 0), recommender())) == 0


def test_the_family_adds_the_column_under_the_merchants_policy(draft: BundleDraft) -> None:
    first = with_recommended_items(customers(), draft)
    assert set(first.column_names) - set(customers().column_names) == set(RECOMMEND.derived_columns)
    best = first["recommended_items"][0].as_py()[0]
    strict = replace(draft, policy=Policy(PlacementPolicy(exclude_items=(best,))))
    assert best not in with_recommended_items(customers(), strict)["recommended_items"][0].as_py()


def test_the_policy_may_name_columns_that_families_made_of_items_and_no_others(draft: BundleDraft) -> None:
    overstocked = draft.items["item_id"][1].as_py()
    boosted = replace(draft, policy=Policy(PlacementPolicy(boosts=(Boost("overstock_units", 100.0),))))
    control = replace(boosted, item_columns=frozenset())
    assert with_recommended_items(customers(), boosted)["recommended_items"][0].as_py()[0] == overstocked
    assert overstocked not in with_recommended_items(customers(), control)["recommended_items"][0].as_py()
