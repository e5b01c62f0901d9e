import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.validation.bounds import MAX_DEPTH, MAX_UNITS, inventory_term, is_too_deep, refused_term


def depth_of(value: Any) -> int:
    children = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if children is None else 1 + max(map(depth_of, children), default=0)


TEXTS = st.text(alphabet='{[]}"\\a', max_size=60)  # brackets and quotes inside texts do not nest
JSON = st.recursive(
    TEXTS | st.integers(), lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4)
)


@given(JSON, st.integers(0, 2 * MAX_DEPTH))
def test_the_depth_is_that_of_the_parsed_value(value: Any, wrapped: int) -> None:
    for level in range(wrapped):
        value = [value] if level % 2 else {"[": value}
    assert is_too_deep(json.dumps(value).encode()) is (depth_of(value) > MAX_DEPTH)


def test_any_depth_and_any_text_is_judged() -> None:
    assert is_too_deep(b"[" * 1_000_000)
    assert not is_too_deep(b"[]" * 100_000)
    for broken in (b"", b"]" * 100, b'{"a":"\\', b"\xff" * 100):
        assert not is_too_deep(broken)


@pytest.mark.parametrize(
    ("name", "value", "number"),
    [
        ("pack_size", "6", 6.0),
        ("pack_size", 0, None),
        ("lead_time_days", "3 weeks", None),
        ("service_level", None, None),
        ("on_order", MAX_UNITS, MAX_UNITS),
        ("on_order", 2 * MAX_UNITS, None),
    ],
)
def test_a_term_is_a_number_within_its_bounds(name: str, value: Any, number: float | None) -> None:
    assert inventory_term(name, value) == number
    assert f"{name} is {str(value)!r}; give a number between" in refused_term(name, value)
