"""Attributes of items that came later; what they are in the first place, tests of the catalogue say."""

import numpy as np
import pytest

from recsys.data.attributes import MAX_ATTRIBUTE_CHARS, Attributes, Value

KNOWN: list[dict[str, Value]] = [{"colour": "red", "margin": 0.5}, {"colour": "blue"}, {"size": "L"}]


def appended(*rows: dict[str, Value]) -> Attributes:
    return Attributes.of(KNOWN).appended(rows)


def test_items_are_appended_behind_the_others() -> None:
    found = appended({"colour": "blue", "margin": "0.25"}, {}, {"colour": "green", "size": "L"})
    assert [found.texts_of(item) for item in range(6)] == [
        {"colour": "red"},
        {"colour": "blue"},
        {"size": "L"},
        {"colour": "blue"},
        {},
        {"colour": "green", "size": "L"},
    ]
    np.testing.assert_array_equal(found.number("margin"), [0.5, np.nan, np.nan, 0.25, np.nan, np.nan])


def test_a_value_that_was_new_has_one_place() -> None:
    found = appended({"colour": "green"}, {"colour": "green", "size": "green"})
    codes = found.text("colour")
    assert codes is not None
    assert codes[3] == codes[4] == found.text_values.index("green") >= 0
    assert codes[0] == found.text_values.index("red") != codes[3]


@pytest.mark.parametrize("value", ["", "x" * (MAX_ATTRIBUTE_CHARS + 1)])
def test_what_is_blank_or_too_long_is_left_out(value: str) -> None:
    assert appended({"colour": value}).texts_of(3) == {}
    assert appended({"colour": "x" * MAX_ATTRIBUTE_CHARS}).texts_of(3) != {}


def test_what_no_number_is_said_of_is_unknown_and_a_number_may_be_a_text() -> None:
    found = appended({"margin": "high", "colour": 7})
    assert np.isnan(found.numbers[0, 3])
    assert found.texts_of(3) == {"colour": "7"}


def test_attributes_that_no_item_had_before_are_left_out() -> None:
    found = appended({"voltage": "230"})
    assert found.names == ["colour", "margin", "size"]
    assert Attributes.of([]).appended([{"voltage": "230"}]).names == []


def test_appending_nothing_or_several_times() -> None:
    assert [appended().texts_of(item) for item in range(3)] == [Attributes.of(KNOWN).texts_of(i) for i in range(3)]
    twice = appended({"colour": "green"}).appended([{"colour": "green"}, {"colour": "black"}])
    assert [twice.texts_of(item)["colour"] for item in (0, 3, 4, 5)] == ["red", "green", "green", "black"]


def columns() -> Attributes:
    return Attributes.of_columns(
        {"overstock": np.array([5, np.nan]), "margin": np.array([9.0, 9.0])},
        {"alert": ["red", None], "colour": ["black", "black"], "stock": ["much", "much"]},
        size=2,
    )


def test_columns_become_attributes() -> None:
    found = columns()
    np.testing.assert_array_equal(found.number("overstock"), [5, np.nan])
    assert found.texts_of(0) == {"alert": "red", "colour": "black", "stock": "much"}
    assert found.texts_of(1) == {"colour": "black", "stock": "much"}
    assert Attributes.of_columns({}, {}, size=3).names == []


def test_joined_attributes_count_where_the_catalogue_has_no_such_name() -> None:
    found = Attributes.of(KNOWN).joined(columns())
    assert found.names == ["alert", "colour", "margin", "overstock", "size"]
    assert [found.texts_of(item) for item in range(3)] == [
        {"alert": "red", "colour": "red"},
        {"colour": "blue"},
        {"size": "L"},
    ]
    np.testing.assert_array_equal(found.number("overstock"), [5, np.nan, np.nan])  # the third item came later
    np.testing.assert_array_equal(found.number("margin"), [0.5, np.nan, np.nan])


def test_a_text_that_both_have_has_one_place() -> None:
    found = Attributes.of(KNOWN).joined(Attributes.of_columns({}, {"alert": ["green", "red", "L"]}, size=3))
    alert, colour = found.text("alert"), found.text("colour")
    assert alert is not None
    assert colour is not None
    assert alert[1] == colour[0] == found.text_values.index("red")
    assert found.text_values.value(int(alert[0])) == "green"
    assert found.appended([{"alert": "green"}]).texts_of(3) == {"alert": "green"}


def test_joining_nothing_changes_nothing() -> None:
    found = Attributes.of(KNOWN).joined(Attributes.of([{}]))
    assert [found.texts_of(item) for item in range(3)] == [Attributes.of(KNOWN).texts_of(item) for item in range(3)]
