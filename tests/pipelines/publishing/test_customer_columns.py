"""What publishing adds to the customers' table."""

import json
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from contracts.bundle import write_arrays
from pipelines.publishing.customer_columns import (
    DERIVED_COLUMNS,
    read_recommender,
    with_derived_columns,
    without_past_dates,
)
from recsys.ranking.ranker import MOMENTS
from recsys.recommender import Recommender
from recsys.request import Query
from recsys.reranking.policy import Boost, PlacementPolicy, Policy
from tests.recsys.stores import checkerboard_recommender, colour

CUSTOMERS = [f"customer-{number:03d}" for number in range(10)]
MOMENT = datetime(2025, 6, 1, tzinfo=UTC)


@cache
def recommender() -> Recommender:
    return checkerboard_recommender()


def customers(**columns: Any) -> pa.Table:
    count = len(CUSTOMERS)
    base = {
        "customer_id": CUSTOMERS,
        "last_order_at": [MOMENT - timedelta(days=n) for n in range(count)],
        "orders": [3] * count,
        "revenue": [100.0] * count,
        "churn_risk": [0.5] * count,
        "churn_band": ["medium"] * count,
    }
    return pa.table(base | columns)


def test_value_at_risk_is_risk_times_value_and_missing_where_either_is() -> None:
    table = customers(churn_risk=[0.5, None, 0.25, *[0.0] * 7], expected_value_90d=[80.0, 10.0, None, *[50.0] * 7])
    found = with_derived_columns(table, None)["value_at_risk"].to_pylist()
    assert found[:4] == [40.0, None, None, 0.0]


def test_dates_that_have_passed_are_no_forecast() -> None:
    yesterday, today, later = date(2025, 5, 31), date(2025, 6, 1), date(2025, 7, 1)
    table = customers(
        next_order_expected=[yesterday, today, later, *[None] * 7],
        next_order_from=[yesterday, yesterday, today, *[None] * 7],
        next_order_to=[yesterday, later, later, *[None] * 7],
    )
    found = without_past_dates(table, MOMENT + timedelta(hours=23))
    assert found.schema == table.schema
    told = [found[f"next_order_{name}"].to_pylist()[:4] for name in ("expected", "from", "to")]
    assert told == [[None, today, later, None], [None, None, today, None], [None, later, later, None]]
    assert without_past_dates(table, MOMENT - timedelta(days=1)) == table  # the control
    assert without_past_dates(customers(), MOMENT) == customers()


@pytest.mark.parametrize("missing", ["churn_risk", "expected_value_90d"])
def test_without_a_family_its_products_are_left_out(missing: str) -> None:
    table = customers(expected_value_90d=[1.0] * 10).drop_columns(missing)
    assert "value_at_risk" not in with_derived_columns(table, None).column_names


def test_a_table_of_bare_customers_stays_as_it_is() -> None:
    bare = pa.table({"customer_id": CUSTOMERS})
    assert with_derived_columns(bare, None) == bare


def test_each_gets_up_to_three_items_of_their_own_taste() -> None:
    found = with_derived_columns(customers(), recommender())["recommended_items"].to_pylist()
    for customer, items in zip(CUSTOMERS, found, strict=True):
        assert len(set(items)) == 3
        assert {colour(item) for item in items} == {colour(customer)}
        answer = recommender().recommend(Query(customer_id=customer, k=3))
        assert items == [item.item_id for item in answer.items]


def test_who_refused_personalization_or_never_came_gets_none() -> None:
    table = customers(
        customer_id=["nobody-we-know", *CUSTOMERS[1:]], consent_personalization=[None, False, True, *[None] * 7]
    )
    found = with_derived_columns(table, recommender())["recommended_items"].to_pylist()
    assert found[:2] == [None, None]
    assert all(found[2:])


def test_two_threads_say_what_one_says_and_progress_is_shown() -> None:
    told: list[tuple[float | None, float | None]] = []

    def progress(step: str, done: float | None = None, total: float | None = None) -> None:
        told.append((done, total))

    one, two = (with_derived_columns(customers(), recommender(), progress, threads) for threads in (1, 2))
    assert one == two
    assert told[-1] == (10, 10)


def test_a_huge_store_recommends_to_those_with_most_at_risk() -> None:
    values = [10.0, 90.0, None, 80.0, *[1.0] * 6]
    table = with_derived_columns(customers(expected_value_90d=values), recommender(), max_recommended=2)
    assert [bool(items) for items in table["recommended_items"].to_pylist()] == [n in (1, 3) for n in range(10)]


def test_without_values_those_who_ordered_last_come_first() -> None:
    table = with_derived_columns(customers(), recommender(), max_recommended=3)
    assert [bool(items) for items in table["recommended_items"].to_pylist()] == [n < 3 for n in range(10)]


def test_every_column_has_its_sentence() -> None:
    table = customers(expected_value_90d=[1.0] * 10)
    derived = with_derived_columns(table, recommender())
    assert derived.column_names == [*table.column_names, "value_at_risk", "recommended_items", "suggested_action"]
    assert set(DERIVED_COLUMNS) == set(derived.column_names) - set(table.column_names)
    assert derived.schema.field("recommended_items").type == pa.list_(pa.string())


def test_no_customers_are_no_error() -> None:
    assert with_derived_columns(customers().slice(0, 0), recommender()).num_rows == 0


def test_the_recommender_is_read_from_a_bundles_folder_under_the_merchants_policy(tmp_path: Path) -> None:
    assert read_recommender(tmp_path / "recommend") is None
    write_arrays(tmp_path, recommender().to_arrays())
    for moment in MOMENTS:
        (tmp_path / f"ranker_{moment}.txt").write_text(recommender().rankers[moment].text)
    (tmp_path / "parameters.json").write_text(json.dumps(recommender().parameters))
    query = Query(customer_id="customer-000", k=3)
    read = read_recommender(tmp_path)
    assert read is not None
    assert read.recommend(query) == recommender().recommend(query)
    best = read.recommend(query).items[0].item_id
    strict = read_recommender(tmp_path, Policy(PlacementPolicy(exclude_items=(best,))))
    assert strict is not None
    assert best not in {item.item_id for item in strict.recommend(query).items}


def test_the_policy_may_name_what_families_say_of_items_in_the_list_as_well(tmp_path: Path) -> None:
    write_arrays(tmp_path, recommender().to_arrays())
    for moment in MOMENTS:
        (tmp_path / f"ranker_{moment}.txt").write_text(recommender().rankers[moment].text)
    (tmp_path / "parameters.json").write_text(json.dumps(recommender().parameters))
    query = Query(customer_id="customer-000", k=10)
    ranked = [item.item_id for item in recommender().recommend(query).items]
    items = pa.table({"item_id": [ranked[0], ranked[-1]], "overstock_units": [0.0, 40.0]})
    favour = Policy(PlacementPolicy(boosts=(Boost("overstock_units", 100.0),)))
    for columns, first in ((("overstock_units",), ranked[-1]), ((), ranked[0])):  # the control: no family told of it
        read = read_recommender(tmp_path, favour, items, columns)
        assert read is not None
        assert read.recommend(query).items[0].item_id == first
