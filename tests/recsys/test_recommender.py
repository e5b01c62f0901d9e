from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InputError
from recsys.data.catalogue import ALWAYS, Items
from recsys.placements.placements import ranker_of
from recsys.ranking.ranker import Ranker
from recsys.recommender import Recommender, utc_seconds
from recsys.request import Filters, Query, SessionEvent
from tests.recsys.stores import DAY, SMALL, Row, checkerboard, recommender, shown

COUNT = 60  # items; the last twenty were never touched by anybody
CATEGORIES = ["tea", "mug", "pot", None]
BRANDS = ["acme", "best"]


def catalogue() -> Items:
    return Items.of(
        ids=[f"item-{n:03d}" for n in range(COUNT)],
        names=[f"Item {n}" for n in range(COUNT)],
        categories=[CATEGORIES[n % 4] for n in range(COUNT)],
        brands=[BRANDS[n % 2] for n in range(COUNT)],
        price=np.array([np.nan if n % 10 == 9 else n for n in range(COUNT)]),
        stock=np.array([0 if n % 7 == 0 else np.nan if n % 7 == 1 else n for n in range(COUNT)]),
        available_from=np.array([100 * DAY if n % 11 == 5 else ALWAYS for n in range(COUNT)]),
    )


@cache
def shop() -> Recommender:
    rows: list[Row] = [*checkerboard(), ("viewer", "item-002", "view", 59.0), ("viewer", "item-004", "cart", 59.5)]
    return recommender(rows, catalogue(), 60)


SOME_ITEMS = st.lists(st.integers(0, COUNT + 3).map(lambda n: f"item-{n:03d}"), max_size=8).map(tuple)
FILTERS = st.builds(
    Filters,
    categories=st.lists(st.sampled_from(["tea", "mug", "pot", "no such"]), max_size=2).map(tuple),
    brands=st.lists(st.sampled_from(["acme", "best", "no such"]), max_size=2).map(tuple),
    exclude_items=SOME_ITEMS,
    price_min=st.none() | st.floats(0, 60, width=32),
    price_max=st.none() | st.floats(0, 60, width=32),
    in_stock_only=st.booleans(),
)
QUERIES = st.builds(
    Query,
    customer_id=st.none() | st.sampled_from(["customer-000", "customer-001", "viewer", "nobody"]),
    item_id=st.none() | st.integers(0, COUNT + 3).map(lambda n: f"item-{n:03d}"),
    cart=SOME_ITEMS,
    session=st.lists(st.builds(SessionEvent, st.integers(0, COUNT + 3).map(lambda n: f"item-{n:03d}")), max_size=5).map(
        tuple
    ),
    k=st.integers(1, COUNT + 5),
    filters=FILTERS,
)


def allowed(query: Query, now: datetime | None = None) -> set[str]:
    """What the query's policy lets through, item by item."""
    day = 60 if now is None else 101
    wanted, kept = query.filters, set()
    for n in range(COUNT):
        item_id, price = f"item-{n:03d}", None if n % 10 == 9 else n
        verdicts = (
            item_id not in {*query.cart, *wanted.exclude_items, query.item_id},
            day >= 100 or n % 11 != 5,
            not wanted.in_stock_only or n % 7 != 0,
            not wanted.categories or CATEGORIES[n % 4] in wanted.categories,
            not wanted.brands or BRANDS[n % 2] in wanted.brands,
            wanted.price_min is None or (price is not None and price >= wanted.price_min),
            wanted.price_max is None or (price is not None and price <= wanted.price_max),
        )
        if all(verdicts):
            kept.add(item_id)
    return kept


@settings(max_examples=100)
@given(QUERIES, st.none() | st.just(datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=101)))
def test_a_list_holds_only_what_is_allowed_and_is_never_short_without_need(query: Query, now: datetime | None) -> None:
    answer = shop().recommend(query, now)
    eligible = allowed(query, now)
    assert set(shown(answer)) <= eligible
    assert len(shown(answer)) == len(set(shown(answer))) == min(query.k, len(eligible))
    assert [item.score for item in answer.items] == sorted((item.score for item in answer.items), reverse=True)
    assert all(item.reason and item.source for item in answer.items)


@settings(max_examples=60)
@given(st.integers(0, COUNT - 1), st.integers(1, COUNT), FILTERS)
def test_similar_items_obey_the_same_policy(number: int, k: int, filters: Filters) -> None:
    item_id = f"item-{number:03d}"
    found = shown(shop().similar(item_id, k, filters))
    eligible = allowed(Query(item_id=item_id, filters=filters))
    assert set(found) <= eligible
    assert len(found) == len(set(found)) == min(k, len(eligible))


def test_a_stranger_gets_the_popular_items_and_is_told_so() -> None:
    answer = shop().recommend(Query(customer_id="nobody", k=5))
    assert answer.fallbacks == ("popular",)
    assert not answer.is_known_customer
    assert {item.source for item in answer.items} == {"popular"}
    eligible = np.array([f"item-{n:03d}" in allowed(Query()) for n in range(COUNT)])
    assert shown(answer) == [f"item-{n:03d}" for n in shop().retriever.popularity.top(5, eligible)]


def test_a_stranger_who_does_something_gets_an_answer_of_their_own() -> None:
    for query in (
        Query(session=(SessionEvent("item-001"), SessionEvent("item-003")), k=6),
        Query(cart=("item-001",), k=6),
        Query(item_id="item-001", k=6),
    ):
        answer = shop().recommend(query)
        assert answer.fallbacks == ()
        assert sum(int(item_id[-3:]) % 2 for item_id in shown(answer)) >= 5


def test_reasons_name_what_they_come_from() -> None:
    reasons = {item.source: item.reason for item in shop().recommend(Query(customer_id="viewer", k=30)).items}
    assert reasons["history"] in {"you viewed this before", "you had this in your cart before"}
    assert reasons["bought_together"] == "often bought with Item 4"
    bought = {item.source: item.reason for item in shop().recommend(Query(customer_id="customer-000", k=30)).items}
    assert bought["history"] == "you bought this before"
    similar = shop().similar("item-002", 3).items
    assert {item.reason for item in similar} <= {
        "often bought with Item 2",
        "goes with Item 2",
    }


def test_an_untouched_item_has_similar_items_by_category() -> None:
    answer = shop().similar("item-050", 3)  # item 50 is a pot
    assert CATEGORIES[int(answer.items[0].item_id[-3:]) % 4] == "pot"
    assert all(item.source in {"popular", "content"} for item in answer.items)  # nobody tied it to anything


def test_unknown_ids_are_reported_and_an_unknown_page_is_refused() -> None:
    answer = shop().recommend(Query(customer_id="customer-000", item_id="gone", session=(SessionEvent("lost"),), k=3))
    assert answer.fallbacks == ("unknown_item:lost", "unknown_item:gone")
    assert len(answer.items) == 3
    with pytest.raises(InputError, match="'gone' is not in the catalogue"):
        shop().similar("gone", 3)


def test_a_list_filled_with_anything_says_so() -> None:
    answer = shop().recommend(Query(customer_id="customer-000", k=COUNT))
    assert "any_item" in answer.fallbacks
    assert answer.items[-1].source == "any_item"


def test_the_session_changes_the_answer() -> None:
    before = shop().recommend(Query(customer_id="customer-000", k=8))
    after = shop().recommend(Query(customer_id="customer-000", k=8, session=(SessionEvent("item-001", "order"),)))
    assert shown(before) != shown(after)


def test_without_rankers_the_blend_answers_and_says_so() -> None:
    blended = recommender(checkerboard(), catalogue(), 60, replace(SMALL, minimum_groups=10**9))
    assert {ranker.text for ranker in blended.rankers.values()} == {""}
    assert {blended.ranker_facts[f"ranker_{name}"] for name in ("start", "visit")} == {"blend"}
    assert len(blended.recommend(Query(customer_id="customer-000", k=9)).items) == 9


def test_outside_and_in_a_session_different_rankers_score() -> None:
    """In a session the other ranker takes over only where too few sessions were seen to train its own."""
    trained, blend = shop().rankers["cold_session"], Ranker(shop().pipeline.features.names)
    assert ranker_of(False, {"cold_session": trained, "in_session": blend}) is trained
    assert ranker_of(True, {"cold_session": trained, "in_session": blend}) is trained
    assert ranker_of(True, {"cold_session": blend, "in_session": trained}) is trained
    assert ranker_of(False, {"cold_session": blend, "in_session": trained}) is blend


def test_what_each_source_proposes_is_told_apart() -> None:
    found = shop().candidates_by_source(Query(customer_id="customer-000"))
    assert set(found) == {"any", *shop().retriever.sources}
    assert set(found["any"]) == set().union(*(found[source] for source in shop().retriever.sources))
    assert len(found["any"]) == len(set(found["any"]))
    bought = {item for customer, item, _, _ in checkerboard() if customer == "customer-000"}
    assert set(found["history"]) == bought & allowed(Query())


def test_moments_need_a_zone_and_round_up() -> None:
    assert utc_seconds(datetime(1970, 1, 1, 0, 0, 9, 1, tzinfo=UTC)) == 10
    with pytest.raises(InputError, match="no time zone"):
        utc_seconds(datetime(1970, 1, 1))  # noqa: DTZ001
