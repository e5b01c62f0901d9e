import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InputError
from contracts.validation.fields import convert, decode
from recsys.data.interactions import KINDS
from recsys.request import MAX_SEED, PLACEMENTS, Filters, Placement, Query, SessionEvent

ID = st.text(min_size=1, max_size=5)
IDS = st.lists(ID, max_size=3).map(tuple)
QUERIES = st.builds(
    Query,
    customer_id=st.none() | ID,
    item_id=st.none() | ID,
    cart=IDS,
    session=st.just(msgspec.UNSET)
    | st.lists(st.builds(SessionEvent, ID, st.sampled_from(KINDS)), max_size=3).map(tuple),
    k=st.integers(1, 100),
    filters=st.builds(
        Filters,
        IDS,
        IDS,
        IDS,
        st.none() | st.floats(0, 9),
        st.none() | st.floats(0, 9),
        st.booleans(),
        st.dictionaries(ID, IDS, max_size=3),
        st.booleans(),
    ),
    placement=st.sampled_from(["for_you", "trending", "new_arrivals", "popular"]),
    personalize=st.booleans(),
    seed=st.none() | st.integers(0, MAX_SEED),
)


@given(QUERIES)
def test_a_query_survives_its_json_form(query: Query) -> None:
    assert decode(msgspec.json.encode(query), Query) == query
    assert convert(msgspec.to_builtins(query), Query) == query


def test_a_field_at_its_default_is_left_out() -> None:
    assert msgspec.to_builtins(Query()) == {}
    assert msgspec.to_builtins(Query(k=3, filters=Filters(brands=("a",)))) == {"k": 3, "filters": {"brands": ("a",)}}


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"customer": "a"}, "customer: there is no such field; allowed are customer_id"),
        ({"filters": {"colour": "red"}}, "filters.colour: there is no such field; allowed are categories"),
        ({"session": [{"item_id": "a", "price": 3}]}, "session.0.price: there is no such field"),
        ({"session": [{"kind": "view"}]}, "session.0.item_id: this field is needed"),
        (
            {"session": [{"item_id": "a", "kind": "sniff"}]},
            "session.0.kind: 'sniff' was given; allowed are cart, order",
        ),
        ({"session": "a"}, "session: expected `array`"),
        ({"session": None}, "session: expected `array`"),
        ({"cart": "abc"}, "cart: expected `array`"),
        ({"cart": [1]}, "cart.0: expected `str`"),
        ({"cart": ["a", ""]}, "cart.1: expected `str` of length >= 1"),
        ({"k": 0}, "k: 0 was given; expected `int` >= 1"),
        ({"k": 101}, "k: 101 was given; expected `int` <= 100"),
        ({"k": True}, "k: True was given; expected `int`"),
        ({"filters": []}, "filters: expected `object`"),
        ({"filters": {"price_min": float("nan")}}, "filters.price_min: nan was given; expected `float` >= 0"),
        ({"filters": {"price_max": float("inf")}}, "filters.price_max: inf was given; expected `float` <="),
        ({"filters": {"in_stock_only": "yes"}}, "filters.in_stock_only: 'yes' was given; expected `bool`"),
        ({"cart": ["a"] * 101}, "cart: expected `array` of length <= 100"),
        ({"session": [{"item_id": "a"}] * 201}, "session: expected `array` of length <= 200"),
        ({"placement": "basket"}, "placement: 'basket' was given; allowed are bought_together, buy_again"),
        ({"placement": "similar", "cart": ["a"]}, "similar needs item_id"),
        ({"placement": "cart", "customer_id": "a"}, "cart needs cart or item_id"),
        ({"placement": "bought_together"}, "bought_together needs cart or item_id"),
        ({"placement": "buy_again", "item_id": "a"}, "buy_again needs customer_id or session or anonymous_id"),
        ({"placement": "recently_viewed"}, "recently_viewed needs customer_id or session or anonymous_id"),
        ({"placement": "buy_again", "customer_id": "a", "personalize": False}, "buy_again is personal"),
        ({"personalize": 0}, "personalize: 0 was given; expected `bool`"),
        ({"seed": -1}, "seed: -1 was given; expected `int` >= 0"),
        ({"seed": 1.5}, "seed: 1.5 was given; expected `int"),
        ({"filters": {"attributes": [["colour", "red"]]}}, "filters.attributes: expected `object`"),
        ({"filters": {"attributes": {"colour": "red"}}}, "filters.attributes.colour: expected `array`"),
        (
            {"filters": {"attributes": {f"a{n}": [] for n in range(51)}}},
            "filters.attributes: expected `object` of length",
        ),
        ({"now": "2025-01-01T00:00:00Z"}, "now: there is no such field"),
        ([], "expected `object`"),
    ],
)
def test_a_wrong_query_is_refused_in_words(raw: Any, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        convert(raw, Query)


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_placement_can_be_asked_for(placement: Placement) -> None:
    query = Query(customer_id="a", item_id="b", placement=placement)
    assert convert(msgspec.to_builtins(query), Query) == query


def test_a_session_that_is_left_out_is_not_an_empty_one() -> None:
    left_out, empty = decode(b"{}", Query), decode(b'{"session": []}', Query)
    assert left_out.session is msgspec.UNSET
    assert empty.session == ()
    assert left_out.events == empty.events == ()


def test_equal_filters_share_a_hash_whatever_the_order_of_their_attributes() -> None:
    one, other = Filters(attributes={"a": ("1",), "b": ("2",)}), Filters(attributes={"b": ("2",), "a": ("1",)})
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, Filters(brands=("a",)), Filters(price_min=1.0), Filters()}) == 4
