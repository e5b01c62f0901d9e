from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InputError
from recsys.request import (
    KINDS,
    PLACEMENTS,
    Answer,
    Filters,
    Query,
    Recommendation,
    SessionEvent,
    answer_to_json,
    query_from_json,
    query_to_json,
)

ID = st.text(min_size=1, max_size=5)
IDS = st.lists(ID, max_size=3).map(tuple)
QUERIES = st.builds(
    Query,
    customer_id=st.none() | ID,
    item_id=st.none() | ID,
    cart=IDS,
    session=st.lists(st.builds(SessionEvent, ID, st.sampled_from(KINDS)), max_size=3).map(tuple),
    k=st.integers(1, 1000),
    filters=st.builds(
        Filters,
        IDS,
        IDS,
        IDS,
        st.none() | st.floats(0, 9),
        st.none() | st.floats(0, 9),
        st.booleans(),
        st.dictionaries(ID, IDS, max_size=3).map(lambda wanted: tuple(wanted.items())),
        st.booleans(),
    ),
    now=st.none() | st.just(datetime(2025, 3, 1, tzinfo=UTC)),
    placement=st.sampled_from(["for_you", "trending", "new_arrivals", "popular"]),
    personalize=st.booleans(),
    seed=st.none() | st.integers(0, 2**53 - 1),
)


@given(QUERIES)
def test_a_query_survives_its_json_form(query: Query) -> None:
    assert query_from_json(query_to_json(query)) == query


def test_what_stands_at_its_default_is_left_out() -> None:
    assert query_to_json(Query()) == {}
    assert query_to_json(Query(filters=Filters(brands=("acme",)))) == {"filters": {"brands": ["acme"]}}


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ({"customer": "a"}, "unknown keys customer"),
        ({"filters": {"colour": "red"}}, "filters has unknown keys colour"),
        ({"session": [{"item_id": "a", "price": 3}]}, "unknown keys price"),
        ({"session": [{"kind": "view"}]}, "without item_id"),
        ({"session": [{"item_id": "a", "kind": "sniff"}]}, "allowed are view, cart, order"),
        ({"session": "a"}, "a list of objects"),
        ({"cart": "abc"}, "a list of texts"),
        ({"cart": [1]}, "a non-empty text"),
        ({"k": 0}, "from 1 to 1000"),
        ({"k": True}, "a whole number"),
        ({"filters": []}, "a JSON object"),
        ({"filters": {"price_min": float("nan")}}, "a finite number"),
        ({"filters": {"in_stock_only": "yes"}}, "true or false"),
        ({"now": "yesterday"}, "ISO 8601"),
        ({"now": "2025-01-01T00:00:00"}, "no time zone"),
        ({"cart": ["a"] * 1001}, "at most 1,000"),
        ({"placement": "basket"}, "placement is 'basket'; allowed are for_you, similar"),
        ({"placement": "similar", "cart": ["a"]}, "similar needs item_id"),
        ({"placement": "cart", "customer_id": "a"}, "cart needs cart or item_id"),
        ({"placement": "bought_together"}, "bought_together needs cart or item_id"),
        ({"placement": "buy_again", "item_id": "a"}, "buy_again needs customer_id or session"),
        ({"placement": "recently_viewed"}, "recently_viewed needs customer_id or session"),
        ({"placement": "buy_again", "customer_id": "a", "personalize": False}, "is personal; personalize false"),
        ({"personalize": 0}, "true or false"),
        ({"seed": -1}, "from 0 to"),
        ({"seed": 1.5}, "a whole number"),
        ({"filters": {"attributes": [["colour", "red"]]}}, "an object such as"),
        ({"filters": {"attributes": {"colour": "red"}}}, "filters.attributes.colour is str; a list of texts"),
        ({"filters": {"attributes": {f"a{n}": [] for n in range(51)}}}, "at most 50 attributes"),
        ({"filters": {"exclude_known": "yes"}}, "true or false"),
        ([], "a JSON object"),
    ],
)
def test_a_wrong_query_is_refused_in_words(raw: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        query_from_json(raw)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_can_be_asked_for(placement: str) -> None:
    query = Query(customer_id="a", item_id="b", placement=placement)
    assert query_from_json(query_to_json(query)) == query


def test_an_attribute_is_named_once() -> None:
    with pytest.raises(InputError, match="each once"):
        Filters(attributes=(("colour", ("red",)), ("colour", ("green",))))


def test_an_answer_tells_its_placement_and_what_was_drawn() -> None:
    items = (Recommendation("a", 1.0, "history", "why"), Recommendation("b", 0.5, "history", "why", 0.05))
    raw = answer_to_json(Answer(items, True, (), "cart"))
    assert raw["placement"] == "cart"
    assert [item["propensity"] for item in raw["items"]] == [None, 0.05]
