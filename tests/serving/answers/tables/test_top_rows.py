"""The first rows are those of a full sort, whatever the columns, nulls, NaNs and ties."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.answers.tables import table as served_tables
from serving.answers.tables.filters import parse_filter
from serving.answers.tables.table import ServedTable
from serving.answers.tables.top_rows import can_select, top_rows

KEY = "key"
FEW = st.integers(0, 3)
CELLS: dict[str, Any] = {
    "float": (pa.float64(), st.sampled_from([-1.5, -0.0, 0.0, 2.5, float("inf"), float("-inf"), float("nan")])),
    "single": (pa.float32(), st.sampled_from([0.5, 1.5, float("nan")])),
    "int": (pa.int64(), st.sampled_from([-(2**63), -1, 0, 7, 2**63 - 1])),
    "unsigned": (pa.uint64(), st.sampled_from([0, 5, 2**64 - 1])),
    "text": (pa.string(), st.sampled_from(["", "a", "B", "é", "z"])),
    "flag": (pa.bool_(), st.booleans()),
    "day": (pa.date32(), FEW),
    "time": (pa.timestamp("us", "UTC"), FEW),
    "decimal": (pa.decimal128(5, 2), st.sampled_from([1, 2, -3])),
}


@st.composite
def lists(draw: Any) -> tuple[pa.Table, tuple[str, ...]]:
    rows = draw(st.integers(0, 30))
    cells = {
        name: pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), kind)
        for name, (kind, values) in CELLS.items()
    }
    names = draw(st.lists(st.sampled_from([*CELLS, KEY]), unique=True, max_size=3))
    sort = tuple(draw(st.sampled_from(["", "-"])) + name for name in names)
    return pa.table({KEY: pa.array([f"k{number:02d}" for number in range(rows)], pa.string()), **cells}), sort


@given(lists(), st.integers(0, 35))
@settings(max_examples=80, deadline=None)
def test_they_are_those_of_a_full_sort(drawn: tuple[pa.Table, tuple[str, ...]], count: int) -> None:
    table, sort = drawn
    whole = ServedTable(table, KEY).find((), sort).positions
    if can_select([table.schema.field(name.removeprefix("-")).type for name in sort]):
        chosen = top_rows(table, KEY, np.arange(len(table), dtype=np.int32), sort, count)
        assert sorted(chosen) == sorted(whole[:count])


@given(lists(), st.integers(1, 7), st.integers(1, 12))
@settings(max_examples=40, deadline=None)
def test_pages_make_up_the_full_sort(drawn: tuple[pa.Table, tuple[str, ...]], size: int, head: int) -> None:
    table, sort = drawn
    filters = (parse_filter("int:ge:-1", table.schema),)
    whole = ServedTable(table, KEY).find(filters, sort)
    paged = ServedTable(table, KEY)
    seen: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(served_tables, "HEAD_ROWS", head)  # so that pages cross the border between head and full sort
        for start in range(0, whole.total, size):
            page = paged.find(filters, sort, start + size)
            assert page.total == whole.total
            seen += page.positions[start:].tolist()
    assert seen == whole.positions.tolist()


def test_a_wrong_choice_is_caught() -> None:
    """The control: the last rows are not the first ones."""
    table = pa.table({KEY: ["a", "b", "c"], "n": [1, None, 3]})
    ascending = np.arange(3, dtype=np.int32)
    assert top_rows(table, KEY, ascending, ["n"], 1).tolist() == [0]
    assert top_rows(table, KEY, ascending, ["-n"], 1).tolist() == [2]
    assert sorted(top_rows(table, KEY, ascending, ["-n"], 2).tolist()) == [0, 2]


def test_what_has_no_order_is_not_chosen_from() -> None:
    assert not can_select([pa.list_(pa.string())])
    assert not can_select([pa.int64(), pa.decimal128(5, 2)])
