"""Placements: each one's question, in a small shop whose right answer is plain."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest

from recsys.data.catalogue import ALWAYS, Items
from recsys.parameters import RecommendParameters
from recsys.placements.placements import VECTOR_SIMILARITY
from recsys.recommender import Recommender
from recsys.request import Answer, Filters, Placement, Query, SessionEvent
from tests.recsys.stores import DAY, Row, checkerboard, recommender, shown

TINY = RecommendParameters(minimum_interactions=1)  # too small for a ranker: the blend answers
NOW = 100
MINUTE = 1 / 24 / 60


def shop(rows: Sequence[Row], **columns: Sequence[object]) -> Recommender:
    """Everything before day 100; `columns` are the catalogue's."""
    items = Items.of(**columns)  # type: ignore[arg-type]
    return recommender(rows, items, NOW, TINY)


def at(day: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)


def together(name: str, count: int, *items: str, kind: str = "order", day: float = 98.0) -> list[Row]:
    """`count` customers who do one thing with all the items within minutes."""
    return [(f"{name}-{n}", item, kind, day + place * MINUTE) for n in range(count) for place, item in enumerate(items)]


# Five bought both phones, four a phone and a case: only the case completes a phone.
PHONES = ["phone", "rival", "case", "lamp"]
BOUGHT = [*together("a", 5, "phone", "rival"), *together("b", 4, "phone", "case"), *together("c", 3, "lamp")]


def phones(rival_category: str = "phones", price: Sequence[float] = (500, 20, 20, 20)) -> Recommender:
    return shop(BOUGHT, ids=PHONES, categories=["phones", rival_category, "cases", "lamps"], price=np.array(price))


def first(answer: Answer) -> tuple[str, str, str]:
    return answer.items[0].item_id, answer.items[0].source, answer.items[0].reason


def test_bought_together_is_what_completes_an_item_and_not_what_replaces_it() -> None:
    query = Query(item_id="phone", placement="bought_together", k=2)
    assert shown(phones().recommend(query)) == ["case", "rival"]
    assert first(phones().recommend(query)) == ("case", "bought_together", "often bought with phone")
    # Were the other phone something else, it would be what is bought with this one most.
    assert shown(phones(rival_category="gloves").recommend(query)) == ["rival", "case"]


@pytest.mark.parametrize(
    ("placement", "item_id", "cart", "expected"),
    [
        ("bought_together", "phone", ("lamp",), ("case", "bought_together", "often bought with phone")),
        ("bought_together", None, ("case",), ("phone", "bought_together", "often bought with case")),
        ("bought_together", "nothing we know", ("case",), ("phone", "bought_together", "often bought with case")),
        ("cart", "lamp", ("case",), ("phone", "bought_together", "often bought with case")),
        ("cart", "case", (), ("phone", "bought_together", "often bought with case")),
        ("similar", "phone", ("lamp",), ("rival", "viewed_together", "goes with phone")),
    ],
)
def test_items_are_chosen_by_what_the_placement_is_about_and_the_reason_names_it(
    placement: Placement, item_id: str | None, cart: tuple[str, ...], expected: tuple[str, str, str]
) -> None:
    assert first(phones().recommend(Query(item_id=item_id, cart=cart, placement=placement, k=1))) == expected


@pytest.mark.parametrize("placement", ["similar", "bought_together"])
def test_a_cart_changes_no_reason_on_an_items_page(placement: Placement) -> None:
    """Golden: what is said on the page without a cart."""
    shown_alone = {
        item.item_id: (item.source, item.reason)
        for item in phones().recommend(Query(item_id="phone", placement=placement, k=4)).items
    }
    for cart in (("case",), ("lamp", "rival"), ("rival",)):
        answer = phones().recommend(Query(item_id="phone", cart=cart, placement=placement, k=4))
        found = {item.item_id: (item.source, item.reason) for item in answer.items}
        assert found == {item: said for item, said in shown_alone.items() if item not in cart}


def test_a_cart_is_completed_and_never_repeated() -> None:
    for cart in (("phone",), ("phone", "case"), ("case",), ("phone", "rival", "lamp")):
        answer = shown(phones().recommend(Query(cart=cart, placement="cart", k=4)))
        assert sorted(answer) == sorted(set(PHONES) - set(cart))
    assert shown(phones().recommend(Query(cart=("phone",), placement="cart", k=1))) == ["case"]


def test_of_what_fits_a_cart_equally_the_dearer_comes_first() -> None:
    rows = [*together("a", 4, "phone", "case"), *together("b", 4, "phone", "stand")]
    for price, dearer in (((500, 20, 90), "stand"), ((500, 90, 20), "case")):
        found = shop(rows, ids=["phone", "case", "stand"], price=np.array(price))
        assert shown(found.recommend(Query(cart=("phone",), placement="cart", k=1))) == [dearer]
    unpriced = shop(rows, ids=["phone", "case", "stand"])
    assert len(shown(unpriced.recommend(Query(cart=("phone",), placement="cart", k=2)))) == 2


@pytest.mark.parametrize(("worse", "first_item"), [(2, "case"), (5, "case"), (7, "stand")])
def test_price_decides_only_between_items_that_fit_about_equally(worse: int, first_item: str) -> None:
    """The stand is twenty times dearer, and was bought with the phone by fewer than the eight of the case."""
    rows = [*together("a", 8, "phone", "case"), *together("b", worse, "phone", "stand")]
    found = shop(rows, ids=["phone", "case", "stand"], price=np.array([500.0, 20.0, 400.0]))
    assert shown(found.recommend(Query(cart=("phone",), placement="cart", k=1))) == [first_item]


def test_similar_items_are_looked_at_together_then_come_from_the_category() -> None:
    rows = [*together("a", 5, "red tea", "green tea", kind="view"), *together("b", 9, "black tea")]
    ids = ["red tea", "green tea", "black tea", "white tea", "mug"]
    found = shop([*rows, *together("c", 20, "mug")], ids=ids, categories=["tea"] * 4 + ["mugs"])
    answer = found.similar("red tea", 4)
    assert shown(answer) == ["green tea", "black tea", "white tea", "mug"]
    assert [item.reason for item in answer.items] == [
        "goes with red tea",
        "similar to red tea",  # of its category, which is all that the catalogue says
        "similar to red tea",
        "popular this week",
    ]


def test_what_the_catalogue_says_brings_a_new_item_beside_the_open_one() -> None:
    rows = [*together("a", 5, "red tea", "mug", kind="view"), *together("b", 9, "pot")]
    ids = ["red tea", "mug", "pot", "green tea"]
    named = {"names": ["Red tea", "Mug", "Pot", "Green tea"], "categories": ["x"] * 3 + ["y"]}
    answer = shop(rows, ids=ids, **named).similar("red tea", 3)
    assert shown(answer)[:2] == ["mug", "green tea"]  # of another category, and nobody ever touched it
    assert (answer.items[1].source, answer.items[1].reason) == ("content", "similar to Red tea")
    mute = shop(rows, ids=ids, names=["Red tea", "Mug", "Pot", "Unsaid"], categories=["x"] * 3 + ["y"])
    assert shown(mute.similar("red tea", 3)) == ["mug", "pot", "green tea"]


def test_item_vectors_say_what_is_similar_where_no_relation_does() -> None:
    few = RecommendParameters(minimum_interactions=1, neighbours=10)
    found = recommender(checkerboard(), Items.of([f"item-{n:03d}" for n in range(40)]), NOW, few)
    nearest = zip(*(column.tolist() for column in found.retriever.vectors.similar(6)), strict=True)
    cosines = {f"item-{item:03d}": cosine for item, cosine in nearest}
    answer = found.similar("item-006", 19)
    alike = {item.item_id: item.score for item in answer.items if item.source == "content"}
    assert alike
    assert alike == pytest.approx({item: VECTOR_SIMILARITY * cosines[item] for item in alike})
    assert set(cosines) <= set(shown(answer))
    hidden = found.similar("item-006", 19, Filters(exclude_items=tuple(alike)))
    assert not set(shown(hidden)) & set(alike)
    # A store too small for vectors is filled up with what is popular.
    small = recommender(checkerboard(customers=2, days=9), found.retriever.items, NOW, few)
    assert not any(item.source == "content" for item in small.similar("item-006", 19).items)


def rebuyer() -> Recommender:
    """Ann drinks coffee: every 30 days a pack, last 30 days ago; filters too, but those she bought two days ago."""
    coffee: list[Row] = [("ann", "coffee", "order", 70.0 - 30 * back) for back in range(3)]
    filters: list[Row] = [("ann", "filters", "order", 98.0 - 30 * back) for back in range(3)]
    rows = [*coffee, *filters, ("ann", "lamp", "order", 40.0), *together("x", 9, "mug"), ("ann", "mug", "view", 99.0)]
    return shop(rows, ids=["coffee", "filters", "lamp", "mug"])


def test_what_was_bought_comes_again_at_its_interval() -> None:
    query = Query(customer_id="ann", placement="buy_again", k=3)
    answer = rebuyer().recommend(query)
    assert shown(answer) == ["coffee", "filters", "lamp"]
    assert [item.reason for item in answer.items][::2] == ["you buy this about every 30 days", "you bought this before"]
    later = rebuyer().recommend(Query(customer_id="ann", placement="buy_again", k=3), at(NOW + 28))
    assert shown(later)[0] == "filters"


def test_who_never_bought_has_nothing_to_buy_again_and_is_not_left_with_an_empty_place() -> None:
    session = (SessionEvent("lamp"),)
    answer = rebuyer().recommend(Query(session=session, placement="buy_again", k=2))
    assert {item.source for item in answer.items} <= {"popular", "any_item"}
    assert "popular" in answer.fallbacks


def test_recently_viewed_is_the_latest_first() -> None:
    rows: list[Row] = [("ann", item, "view", day) for item, day in (("tea", 90.0), ("mug", 95.0), ("pot", 92.0))]
    found = shop([*rows, *together("x", 9, "jar"), ("ann", "tea", "order", 91.0)], ids=["tea", "mug", "pot", "jar"])
    answer = found.recommend(Query(customer_id="ann", placement="recently_viewed", k=3))
    assert shown(answer) == ["mug", "pot", "tea"]
    reasons = ["you viewed this before", "you viewed this before", "you bought this before"]
    assert [item.reason for item in answer.items] == reasons
    visit = (SessionEvent("tea"), SessionEvent("jar"))
    during = found.recommend(Query(customer_id="ann", session=visit, placement="recently_viewed", k=4))
    assert shown(during) == ["jar", "tea", "mug", "pot"]
    open_page = found.recommend(Query(customer_id="ann", item_id="mug", placement="recently_viewed", k=2))
    assert shown(open_page) == ["pot", "tea"]


def test_trending_is_what_rises_and_not_what_is_large() -> None:
    rows = [row for week in range(4) for row in together(f"w{week}", 20, "bread", day=75.0 + 7 * week)]
    rows += [*together("old", 1, "ice cream", day=80.0), *together("new", 12, "ice cream")]
    rows += [*together("past", 20, "soup", day=80.0), *together("few", 1, "soup")]
    found = shop(rows, ids=["bread", "ice cream", "soup", "nothing"])
    answer = found.recommend(Query(placement="trending", k=3))
    assert shown(answer) == ["ice cream", "bread", "soup"]
    assert first(answer) == ("ice cream", "trending", "trending now")
    assert shown(found.recommend(Query(placement="popular", k=3)))[0] == "bread"


def test_new_arrivals_are_the_latest_to_come_and_only_once_they_are_there() -> None:
    rows = [*together("a", 9, "old", day=1.0), *together("a", 9, "seen", day=90.0), *together("a", 9, "old")]
    found = shop(
        rows,
        ids=["old", "seen", "launched", "coming", "unknown"],
        available_from=np.array([ALWAYS, ALWAYS, 95 * DAY, 105 * DAY, ALWAYS]),
    )
    answer = found.recommend(Query(placement="new_arrivals", k=3))
    assert shown(answer) == ["launched", "seen", "old"]
    assert first(answer) == ("launched", "new_arrivals", "new in the shop")
    later = found.recommend(Query(placement="new_arrivals", k=2), at(106))
    assert shown(later) == ["coming", "launched"]


def test_popular_is_the_shops_and_on_an_items_page_its_categorys() -> None:
    rows = [*together("a", 9, "mug"), *together("b", 5, "green tea"), *together("c", 3, "red tea")]
    found = shop(rows, ids=["mug", "green tea", "red tea", "cup"], categories=["mugs", "tea", "tea", None])
    assert shown(found.recommend(Query(placement="popular", k=3))) == ["mug", "green tea", "red tea"]
    page = found.recommend(Query(placement="popular", item_id="red tea", k=1))
    assert first(page) == ("green tea", "popular", "popular in tea")
    by_filter = Query(placement="popular", filters=Filters(categories=("tea",)), k=9)
    assert shown(found.recommend(by_filter)) == ["green tea", "red tea"]
    without = found.recommend(Query(placement="popular", item_id="cup", k=1))  # of no category
    assert first(without) == ("mug", "popular", "popular this week")


def test_a_customer_may_be_known_and_still_ask_for_what_is_popular() -> None:
    found = rebuyer()
    mine, anybodys = (found.recommend(Query(customer_id=who, placement="popular", k=4)) for who in ("ann", None))
    assert shown(mine) == shown(anybodys)


NOT_PERSONAL = ("for_you", "similar", "bought_together", "cart", "trending", "new_arrivals", "popular")
VISIT = (SessionEvent("item-003", "cart"), SessionEvent("item-005"))


@pytest.mark.parametrize("placement", NOT_PERSONAL)
@pytest.mark.parametrize(("item_id", "cart"), [("item-001", ()), (None, ("item-001",)), ("item-001", ("item-007",))])
def test_without_consent_a_customer_is_answered_like_a_stranger(
    placement: str, item_id: str | None, cart: tuple[str, ...]
) -> None:
    if placement == "similar" and item_id is None:
        return
    found = checkers()
    asked = Query(item_id=item_id, cart=cart, placement=placement, k=15)
    refused = Query(
        "customer-000", session=VISIT, item_id=item_id, cart=cart, placement=placement, k=15, personalize=False
    )
    assert found.recommend(refused) == found.recommend(asked)
    assert not found.recommend(refused).is_known_customer


def test_without_consent_and_without_a_page_everything_is_popular() -> None:
    refused = checkers().recommend(Query("customer-000", session=VISIT, personalize=False, k=15))
    assert refused == checkers().recommend(Query(k=15))
    assert refused.fallbacks[0] == "popular"
    with_consent = checkers().recommend(Query("customer-000", session=VISIT, k=15))
    assert shown(with_consent) != shown(refused)
    assert with_consent.is_known_customer


def test_without_consent_what_a_customer_knows_is_not_hidden_either() -> None:
    known = Filters(exclude_known=True)
    refused = Query("customer-000", session=VISIT, filters=known, personalize=False, k=40)
    agreed = Query("customer-000", session=VISIT, filters=known, k=40)
    assert len(shown(checkers().recommend(refused))) == 40
    bought = {item for customer, item, _, _ in checkerboard() if customer == "customer-000"}
    assert not set(shown(checkers().recommend(agreed))) & {*bought, "item-003", "item-005"}


@cache
def checkers() -> Recommender:
    return shop(checkerboard(), ids=[f"item-{n:03d}" for n in range(40)])
