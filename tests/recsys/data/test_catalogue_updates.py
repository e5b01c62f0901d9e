"""CatalogueUpdates: items upserted after the fit, in a catalogue and in a recommender."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from contracts.errors import InputError
from recsys.data.catalogue import ALWAYS, Items
from recsys.data.catalogue_updates import MAX_ID_CHARS, ItemUpsert, resized_counters, updated_catalogue
from recsys.data.item_counts import ItemCounters
from recsys.recommender import Recommender
from recsys.request import PLACEMENTS, Filters, Query, SessionEvent
from tests.recsys.stores import DAY, checkerboard, interactions, item_ids, recommender, shown

COUNT = 40
NOW = 60
KINDS_OF = ["tea", "pots"]


def at(day: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)


def catalogue() -> Items:
    return Items.of(
        item_ids(COUNT),
        names=[f"{'Green tea' if n % 2 else 'Clay pot'} {n}" for n in range(COUNT)],
        categories=[KINDS_OF[1 - n % 2] for n in range(COUNT)],
        brands=["acme"] * COUNT,
        price=np.full(COUNT, 10.0),
        stock=np.full(COUNT, 3.0),
        attributes=[{"colour": "red", "margin": 0.5}] * COUNT,
    )


@cache
def shop() -> Recommender:
    return recommender(checkerboard(), catalogue(), NOW)


NEW = ItemUpsert(
    "brand-new",
    name="Green tea of spring",
    category="tea",
    brand="best",
    price=12.0,
    available_from=at(NOW - 1),
    attributes={"colour": "blue", "margin": 0.25, "unheard": "of"},
)


def test_a_new_item_is_appended_with_all_its_fields() -> None:
    items = updated_catalogue(catalogue(), [NEW])
    assert len(items) == COUNT + 1
    assert items.ids.values() == [*item_ids(COUNT), "brand-new"]
    assert items.ids.index("brand-new") == COUNT
    assert items.names.value(COUNT) == "Green tea of spring"
    assert items.categories.value(int(items.category[COUNT])) == "tea"
    assert items.brands.value(int(items.brand[COUNT])) == "best"
    assert (items.price[COUNT], items.available_from[COUNT]) == (12.0, (NOW - 1) * DAY)
    assert np.isnan(items.stock[COUNT])
    assert items.attributes.texts_of(COUNT) == {"colour": "blue"}
    assert items.attributes.numbers[:, COUNT].tolist() == [0.25]


def test_the_places_of_the_others_do_not_change() -> None:
    before, after = catalogue(), updated_catalogue(catalogue(), [NEW, ItemUpsert("000-before-all")])
    for name in ("category", "brand", "price", "stock", "available_from"):
        np.testing.assert_array_equal(getattr(after, name)[:COUNT], getattr(before, name))
    assert [after.ids.index(one) for one in item_ids(COUNT)] == list(range(COUNT))
    assert after.ids.index("000-before-all") == COUNT + 1
    assert after.names.values()[:COUNT] == before.names.values()


def test_of_a_known_item_price_stock_and_availability_are_updated() -> None:
    updated = ItemUpsert("item-003", name="Else", category="pots", price=99.0, stock=0.0, available_from=at(70))
    before = catalogue()
    after = updated_catalogue(before, [updated])
    assert len(after) == COUNT
    assert (after.price[3], after.stock[3], after.available_from[3]) == (99.0, 0.0, 70 * DAY)
    assert after.names.value(3) == "Green tea 3"
    assert before.price[3] == 10.0  # the catalogue of those who still answer from it stays as it was
    assert np.delete(after.price, 3).tolist() == [10.0] * (COUNT - 1)


def test_fields_that_are_not_given_stay() -> None:
    after = updated_catalogue(catalogue(), [ItemUpsert("item-003", stock=1.0)])
    assert (after.price[3], after.stock[3], after.available_from[3]) == (10.0, 1.0, ALWAYS)


def test_the_last_update_of_an_item_wins() -> None:
    for updated in (NEW, ItemUpsert("item-003")):
        first, last = (ItemUpsert(updated.item_id, price=price) for price in (1.0, 2.0))
        items = updated_catalogue(catalogue(), [first, ItemUpsert("other"), last])
        assert items.price[items.ids.index(updated.item_id)] == 2.0
        assert len(items) == len(set(items.ids.values()))


def test_the_name_of_an_item_without_one_is_its_id() -> None:
    items = updated_catalogue(catalogue(), [ItemUpsert("bare", category="", brand="")])
    assert items.names.value(COUNT) == "bare"
    assert items.category[COUNT] == items.brand[COUNT] == -1
    assert np.isnan(items.price[COUNT])
    assert items.available_from[COUNT] == ALWAYS
    assert items.attributes.texts_of(COUNT) == {}


def test_no_update_changes_nothing() -> None:
    items = catalogue()
    after = updated_catalogue(items, [])
    assert after.ids is items.ids
    np.testing.assert_array_equal(after.price, items.price)


def test_an_updated_catalogue_can_be_updated() -> None:
    once = updated_catalogue(catalogue(), [NEW, ItemUpsert("cup", category="cups", attributes={"colour": "blue"})])
    twice = updated_catalogue(
        once, [ItemUpsert("mug", category="cups", brand="best"), ItemUpsert("brand-new", price=1.0)]
    )
    assert [twice.ids.index(one) for one in ("brand-new", "cup", "mug")] == [COUNT, COUNT + 1, COUNT + 2]
    assert twice.category[COUNT + 1] == twice.category[COUNT + 2] >= 0
    assert twice.brand[COUNT] == twice.brand[COUNT + 2] >= 0
    assert twice.price[COUNT] == 1.0
    assert twice.having("colour", ["blue"])[COUNT : COUNT + 3].tolist() == [True, True, False]  # type: ignore[index]


def test_the_counters_of_appended_items_are_zero() -> None:
    counters = ItemCounters.of(interactions(checkerboard(), catalogue()), NOW * DAY, 2)
    resized = resized_counters(counters, COUNT + 2)
    for name, values in vars(counters).items():
        np.testing.assert_array_equal(getattr(resized, name), [*values, 0, 0])
        assert getattr(resized, name).dtype == values.dtype


MISTAKES = {
    "an empty id": ({"item_id": ""}, "item_id has 0 characters; 1 to 200"),
    "a long id": ({"item_id": "x" * (MAX_ID_CHARS + 1)}, "item_id has 201 characters"),
    "a negative price": ({"item_id": "a", "price": -1.0}, r"price of 'a' is -1.0; 0 to 1,000,000,000,000 is allowed"),
    "an absurd price": ({"item_id": "a", "price": 1e308}, "price of 'a' is 1e"),
    "an absurd stock": ({"item_id": "a", "stock": 1e10}, "0 to 1,000,000,000 is allowed"),
    "no number": ({"item_id": "a", "price": float("nan")}, "price of 'a' is nan"),
    "an endless stock": ({"item_id": "a", "stock": float("inf")}, "stock of 'a' is inf"),
    "a time without zone": ({"item_id": "a", "available_from": datetime(2025, 1, 1)}, "no time zone; give one"),  # noqa: DTZ001
}


@pytest.mark.parametrize(("given", "words"), MISTAKES.values(), ids=MISTAKES.keys())
def test_mistakes_are_named(given: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ItemUpsert(**given)  # type: ignore[arg-type]


def test_the_edges_of_what_is_allowed_are_allowed() -> None:
    ItemUpsert("x" * MAX_ID_CHARS, price=0.0, stock=0.0, available_from=at(0))


QUERIES = {
    "new_arrivals": Query(placement="new_arrivals", k=5),
    "similar": Query(placement="similar", item_id="item-001", k=40),
    "popular": Query(placement="popular", item_id="item-001", k=40),
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES.keys())
def test_a_new_item_is_shown_at_once(query: Query) -> None:
    assert "brand-new" not in shown(shop().recommend(query))
    assert "brand-new" in shown(shop().with_items([NEW]).recommend(query))


def test_the_newest_item_is_the_first_new_arrival() -> None:
    answer = (
        shop().with_items([NEW, ItemUpsert("later", available_from=at(NOW + 9))]).recommend(QUERIES["new_arrivals"])
    )
    assert shown(answer)[0] == "brand-new"
    assert "later" not in shown(answer)


def test_what_is_looked_at_brings_in_the_new_item_that_is_like_it() -> None:
    updated = shop().with_items([NEW])
    for viewed, is_like in (("item-001", True), ("item-002", False)):
        query = Query(session=(SessionEvent(viewed), SessionEvent(viewed)))
        assert ("brand-new" in updated.candidates_by_source(query)["content"]) == is_like


def test_a_new_item_may_be_the_open_page() -> None:
    updated = shop().with_items([NEW])
    answer = updated.similar("brand-new", 5)
    assert not any(name.startswith("unknown_item") for name in answer.fallbacks)
    assert all(int(item[-3:]) % 2 for item in shown(answer))  # teas
    with pytest.raises(InputError, match="not in the catalogue"):
        shop().similar("brand-new", 5)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_answers_around_a_new_item(placement: str) -> None:
    updated = shop().with_items([NEW, ItemUpsert("bare")])
    session = (SessionEvent("brand-new"), SessionEvent("bare", "cart"))
    for customer in (None, "customer-000"):
        query = Query(customer, item_id="brand-new", cart=("bare",), session=session, placement=placement, k=9)
        answer = updated.recommend(query)
        assert len(set(shown(answer))) == 9
        assert all(item.reason for item in answer.items)


def test_filters_use_the_updates() -> None:
    updated = shop().with_items([NEW, ItemUpsert("item-003", price=500.0), ItemUpsert("item-005", stock=0.0)])
    dear = Query(filters=Filters(price_min=100.0), k=40)
    assert shown(updated.recommend(dear)) == ["item-003"]
    assert shown(shop().recommend(dear)) == []
    assert "item-005" not in shown(updated.recommend(Query(k=50)))
    assert "item-005" in shown(shop().recommend(Query(k=50)))
    blue = Query(filters=Filters(attributes={"colour": ("blue",)}), k=9)
    assert shown(updated.recommend(blue)) == ["brand-new"]
    assert shown(updated.recommend(Query(filters=Filters(brands=("best",)), k=9))) == ["brand-new"]


def test_what_is_not_on_sale_yet_is_not_shown_before_its_time() -> None:
    updated = shop().with_items([ItemUpsert("soon", category="tea", available_from=at(NOW + 5))])
    popular = {"placement": "popular", "item_id": "item-001", "k": 40}
    assert "soon" not in shown(updated.recommend(Query(**popular)))  # type: ignore[arg-type]
    assert "soon" in shown(updated.recommend(Query(**popular), at(NOW + 6)))  # type: ignore[arg-type]


@pytest.mark.parametrize("placement", ["popular", "trending", "bought_together", "buy_again", "for_you"])
def test_the_order_of_the_others_does_not_change(placement: str) -> None:
    query = Query("customer-000", item_id="item-001", placement=placement, k=15)
    updated = [ItemUpsert(f"new-{n}", category="else", price=5.0) for n in range(5)]
    assert shown(shop().with_items(updated).recommend(query)) == shown(shop().recommend(query))


def test_the_recommender_that_was_asked_stays_as_it_was() -> None:
    before = shop().recommend(QUERIES["popular"])
    shop().with_items([NEW, ItemUpsert("item-001", price=999.0)])
    assert shop().recommend(QUERIES["popular"]) == before
    assert shop().retriever.items.price[1] == 10.0
