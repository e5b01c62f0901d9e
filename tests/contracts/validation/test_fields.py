"""What is right arrives; of what is wrong, every field is named with what was given and what is allowed."""

from typing import Annotated, Any, Literal

import pytest
from msgspec import Meta, Struct

from contracts.errors import InputError, InvalidFields
from contracts.validation.fields import convert, decode


class Line(Struct, frozen=True, forbid_unknown_fields=True):
    sku: Annotated[str, Meta(min_length=1, max_length=5)]
    count: Annotated[int, Meta(ge=1)] = 1


class Order(Struct, frozen=True, forbid_unknown_fields=True):
    lines: tuple[Line, ...] = ()
    state: Literal["open", "paid"] | None = None
    gifts: dict[str, tuple[int, ...]] = {}
    is_test: bool = False

    def __post_init__(self) -> None:
        if self.is_test and not self.lines:
            raise InputError("a test order needs lines.")


def problems(error: InvalidFields) -> list[tuple[str, str]]:
    return [(".".join(problem.path), problem.message) for problem in error.problems]


def refused(raw: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidFields) as caught:
        convert(raw, Order)
    return problems(caught.value)


def test_right_values_arrive() -> None:
    right = Order((Line("a", 2),), "paid", {"x": (1, 2)})
    assert convert({"lines": [{"sku": "a", "count": 2}], "state": "paid", "gifts": {"x": [1, 2]}}, Order) == right
    assert decode(b'{"lines": [{"sku": "a", "count": "2"}], "state": "paid", "gifts": {"x": [1, 2]}}', Order) == right


def test_numbers_as_text_are_read_only_where_that_is_asked_for() -> None:
    assert convert({"is_test": "false"}, Order, strict=False) == Order()
    assert refused({"is_test": "false"}) == [("is_test", "'false' was given; expected `bool`, got `str`")]


@pytest.mark.parametrize(
    ("raw", "path", "message"),
    [
        ({"lines": [{"sku": "a"}, {"sku": "b", "count": 0}]}, "lines.1.count", "0 was given; expected `int` >= 1"),
        ({"lines": [{"count": 1}]}, "lines.0.sku", "this field is needed"),
        ({"lines": [{"sku": "a", "price": 1}]}, "lines.0.price", "there is no such field; allowed are sku, count"),
        ({"state": "lost"}, "state", "'lost' was given; allowed are open, paid"),
        ({"gifts": {"x": [1], "y": ["1"]}}, "gifts.y.0", "'1' was given; expected `int`, got `str`"),
        ({"total": 1}, "total", "there is no such field; allowed are lines, state, gifts, is_test"),
        (3, "", "expected `object`, got `int`"),
    ],
)
def test_a_wrong_value_is_named(raw: Any, path: str, message: str) -> None:
    assert refused(raw) == [(path, message)]


def test_every_wrong_field_is_named_once() -> None:
    found = refused({"lines": [{"sku": 1}, {"sku": 2}], "state": "lost", "is_test": "yes"})
    assert [path for path, _ in found] == ["lines.0.sku", "lines.1.sku", "state", "is_test"]


def test_a_text_that_may_be_personal_is_not_repeated() -> None:
    assert "secret" not in str(refused({"lines": [{"sku": "secret-id"}]}))
    assert "secret" not in str(refused({"lines": "secret-id"}))


def test_a_rule_between_fields_speaks_for_itself() -> None:
    with pytest.raises(InputError, match="a test order needs lines"):
        decode(b'{"is_test": true}', Order)


@pytest.mark.parametrize("body", [b"not json", b"", b'{"state": "\xff"}', b'{"state": NaN}', b'{"state": "\\ud800"}'])
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidFields, match="this is not JSON"):
        decode(body, Order)


def test_deep_nesting_is_refused() -> None:
    for body in (b"[" * 60_000, b'{"lines": ' + b"[" * 60_000, b'{"nothing": ' + b"[" * 60_000):
        with pytest.raises(InvalidFields):
            decode(body, Order)


def test_each_entry_of_a_list_has_its_first_problem_under_its_own_number() -> None:
    wrong = {"lines": [{"sku": 1}, {"sku": "a"}, {"sku": "b", "count": 0}, {"sku": "c", "size": 1}], "state": "x"}
    assert [path for path, _ in refused(wrong)] == ["lines.0.sku", "lines.2.count", "lines.3.size", "state"]


def test_the_text_null_is_no_missing_value() -> None:
    with pytest.raises(InvalidFields) as caught:
        decode(b'{"state": "null"}', Order)
    assert problems(caught.value) == [("state", "'null' was given; allowed are open, paid")]
    assert decode(b'{"lines": [{"sku": "null"}]}', Order).lines[0].sku == "null"
