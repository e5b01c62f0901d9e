"""Ids, and the placeholders that are nobody."""

import pytest

from contracts.events.ids import id_text, is_placeholder, item_of
from contracts.events.spec import Product


@pytest.mark.parametrize(
    "text",
    [
        "undefined",
        "null",
        "NULL",
        "0",
        "0.0",
        "NaN",
        "None",
        "[object Object]",
        "(not set)",
        "guest",
        "N/A",
        "-1",
        "true",
        *("00000000-0000-0000-0000-000000000000", "{{ user.id }}", "${userId}", "%USER_ID%", "<%= id %>", "*|ID|*"),
    ],
)
def test_placeholders_are_nobody(text: str) -> None:
    assert is_placeholder(text)


@pytest.mark.parametrize("text", ["10", "c0", "nullam", "guest-17", "000a", "ann@shop.example", "1e5", "zero", "$7"])
def test_ids_of_people_are_no_placeholders(text: str) -> None:
    assert not is_placeholder(text)


def test_a_store_adds_its_own() -> None:
    assert is_placeholder("Shop@Example.com", frozenset({"shop@example.com"}))
    assert not is_placeholder("shop@example.com")


def test_blank_ids_are_absent() -> None:
    assert [id_text(value) for value in (None, "", "  ", 0, " a ")] == [None, None, None, "0", "a"]


def test_a_products_id_is_the_first_that_is_none_of_the_placeholders() -> None:
    assert item_of(Product(product_id="undefined", sku="A1")) == "A1"
    assert item_of(Product(product_id=0)) == "0"
    assert item_of(Product(product_id="null")) is None
