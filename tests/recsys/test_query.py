from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import InputError
from recsys.query import KINDS, Filters, Query, SessionEvent, query_from_json, query_to_json

ID = st.text(min_size=1, max_size=5)
IDS = st.lists(ID, max_size=3).map(tuple)
QUERIES = st.builds(
    Query,
    customer_id=st.none() | ID,
    item_id=st.none() | ID,
    cart=IDS,
    session=st.lists(st.builds(SessionEvent, ID, st.sampled_from(KINDS)), max_size=3).map(tuple),
    k=st.integers(1, 1000),
    filters=st.builds(Filters, IDS, IDS, IDS, st.none() | st.floats(0, 9), st.none() | st.floats(0, 9), st.booleans()),
    now=st.none() | st.just(datetime(2025, 3, 1, tzinfo=UTC)),
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
        ([], "a JSON object"),
    ],
)
def test_a_wrong_query_is_refused_in_words(raw: dict[str, object], said: str) -> None:
    with pytest.raises(InputError, match=said):
        query_from_json(raw)
