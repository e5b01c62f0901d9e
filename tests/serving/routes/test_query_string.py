from typing import Any

import pytest

from contracts.errors import InputError, InvalidFields
from contracts.validation.fields import convert
from recsys.request import Filters, Query
from serving.routes.query_string import PARAMETERS, openapi_parameters, parse_query

ASKED: list[tuple[str, str]] = [
    ("placement", "cart"),
    ("customer_id", "customer:1"),
    ("anonymous_id", "a1"),
    ("item_id", "sku-7"),
    ("cart", "sku-1"),
    ("cart", "sku-2"),
    ("session", "view:sku:9"),
    ("session", "cart:sku-8"),
    ("k", "5"),
    ("personalize", "false"),
    ("seed", "7"),
    ("category", "tea"),
    ("category", "cups"),
    ("brand", "b"),
    ("exclude", "sku-3"),
    ("price_min", "1.5"),
    ("price_max", "9"),
    ("in_stock_only", "false"),
    ("exclude_known", "true"),
    ("attribute", "colour:red"),
    ("attribute", "colour:a:b"),
    ("attribute", "size:4"),
]


def test_a_query_string_can_ask_whatever_a_body_can() -> None:
    filters = {"categories": ["tea", "cups"], "brands": ["b"], "exclude_items": ["sku-3"], "price_min": 1.5}
    filters |= {"price_max": 9, "in_stock_only": False, "exclude_known": True}
    filters |= {"attributes": {"colour": ["red", "a:b"], "size": ["4"]}}
    body: dict[str, Any] = {"placement": "cart", "customer_id": "customer:1", "anonymous_id": "a1", "item_id": "sku-7"}
    body |= {"cart": ["sku-1", "sku-2"], "k": 5, "personalize": False, "seed": 7, "filters": filters}
    body |= {"session": [{"item_id": "sku:9", "kind": "view"}, {"item_id": "sku-8", "kind": "cart"}]}
    assert parse_query(ASKED) == convert(body, Query)
    assert {name for name, _ in ASKED} == set(PARAMETERS)


def test_every_field_of_a_question_has_a_parameter() -> None:
    paths = {parameter.path for parameter in PARAMETERS.values()}
    fields = {(name,) for name in Query.__struct_fields__ if name != "filters"}
    assert paths == fields | {("filters", name) for name in Filters.__struct_fields__}


@pytest.mark.parametrize("name", ["personalize", "in_stock_only", "exclude_known"])
def test_a_flag_may_be_written_in_many_ways(name: str) -> None:
    def read(value: str) -> bool:
        query = parse_query([(name, value)])
        return bool(getattr(query if name == "personalize" else query.filters, name))

    assert all(read(value) for value in ("true", "True", "yes", "on", "t", "y", "Y", "1"))
    assert not any(read(value) for value in ("false", "FALSE", "no", "off", "f", "n", "N", "0"))


def test_nothing_asked_is_a_question_without_anything() -> None:
    assert parse_query([]) == Query()


@pytest.mark.parametrize(
    ("pairs", "says"),
    [
        ([("placment", "cart")], "no parameter 'placment'; there are placement, customer_id"),
        ([("k", "1"), ("k", "2")], "k is given more than once"),
        ([("attribute", "red")], "'red'; name:value"),
        ([("attribute", "colour:")], "name:value"),
        ([("session", "sku-9")], "view, cart, order"),
        ([("session", "sku:9")], "view, cart, order"),
    ],
)
def test_a_parameter_that_makes_no_sense_is_refused(pairs: list[tuple[str, str]], says: str) -> None:
    with pytest.raises(InputError, match=says):
        parse_query(pairs)


def test_an_id_in_the_path_stands_nowhere_else() -> None:
    assert parse_query([("k", "1")], customer_id="a").customer_id == "a"
    with pytest.raises(InputError, match="no parameter 'customer_id'"):
        parse_query([("customer_id", "b")], customer_id="a")


@pytest.mark.parametrize(
    ("name", "value"),
    [("k", "0"), ("price_min", "-1"), ("placement", "attic"), ("in_stock_only", "perhaps"), ("cart", "")],
)
def test_a_wrong_value_is_found_under_the_parameters_name(name: str, value: str) -> None:
    with pytest.raises(InvalidFields) as caught:
        parse_query([(name, value)])
    assert [problem.path for problem in caught.value.problems] == [("query", name)]


def test_openapi_says_what_stands_in_the_path() -> None:
    found = {entry["name"]: entry for entry in openapi_parameters("customer_id")}
    assert found["customer_id"]["in"] == "path"
    assert found["customer_id"]["required"]
    assert found["cart"]["in"] == "query"
    assert found["cart"]["schema"]["type"] == "array"


@pytest.mark.parametrize("name", ["price_min", "price_max", "seed", "k"])
def test_the_text_null_is_refused_where_a_number_is_meant(name: str) -> None:
    with pytest.raises(InputError, match="leave it out"):
        parse_query([(name, "Null")])
    assert parse_query([("customer_id", "null")]).customer_id == "null"
