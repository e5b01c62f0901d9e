from datetime import UTC, date, datetime

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import BundleRefused, InputError
from serving.answers.tables.filters import parse_filter
from serving.answers.tables.table import CACHED_ORDERS, ServedTable
from tests.serving.shop import CUSTOMERS, customers_table

KEY = "customer_id"


@pytest.fixture
def table() -> ServedTable:
    kinds = pa.array(["a"] * len(CUSTOMERS)).dictionary_encode()
    return ServedTable(customers_table().append_column("kind", kinds), KEY)


def found(table: ServedTable, *where: str, sort: tuple[str, ...] = ()) -> list[str]:
    filters = tuple(parse_filter(text, table.schema) for text in where)
    return [row[KEY] for row in table.rows_at(table.find(filters, sort).positions, [KEY])]


@given(st.sets(st.text(max_size=5)), st.text(max_size=5))
@settings(max_examples=60, deadline=None)
def test_every_key_is_found_and_no_other(keys: set[str], other: str) -> None:
    ordered = sorted(keys, key=str.encode)
    table = ServedTable(pa.table({KEY: pa.array(ordered, pa.string()), "n": range(len(ordered))}), KEY)
    for number, key in enumerate(ordered):
        assert table.row(key) == {KEY: key, "n": number}
    assert (table.row(other) is not None) == (other in keys)


@pytest.mark.parametrize("keys", [["b", "a"], ["a", "a"], ["a", None]])
def test_a_table_that_bisection_would_misread_is_refused(keys: list[str | None]) -> None:
    with pytest.raises(BundleRefused, match="not sorted"):
        ServedTable(pa.table({KEY: keys}), KEY)
    with pytest.raises(BundleRefused, match="lacks its key"):
        ServedTable(pa.table({"other": ["a"]}), KEY)


def test_cells_are_ready_for_json() -> None:
    table = ServedTable(
        pa.table(
            {
                KEY: ["a"],
                "single": pa.array([0.3], pa.float32()),
                "nan": [float("nan")],
                "day": [date(2025, 1, 2)],
                "local": pa.array([datetime(2025, 1, 2, 3, tzinfo=UTC)], pa.timestamp("us")),
                "utc": pa.array([datetime(2025, 1, 2, 3, tzinfo=UTC)], pa.timestamp("us", "Europe/Berlin")),
            }
        ),
        KEY,
    )
    expected = {"single": 0.3, "nan": None, "day": "2025-01-02", "local": "2025-01-02T03:00:00Z"}
    assert table.row("a") == {KEY: "a", **expected, "utc": "2025-01-02T03:00:00Z"}


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("orders:eq:7", [7]),
        ("orders:lt:2", [0, 1]),
        ("orders:ge:38", [38, 39]),
        ("orders:in:3|5|99", [3, 5]),
        ("churn_risk:null:true", [0, 10, 20, 30]),
        ("churn_risk:gt:0.96", [39]),
        ("churn_risk:ne:0.5", [n for n in range(40) if n % 10]),
        ("note:contains:NOTE 3", [30, 31, 32, 33, 34, 35, 36, 37, 38, 39]),
        ("note:eq:note 4", [4]),
        ("is_member:eq:false", list(range(1, 40, 2))),
        ("last_order_at:ge:2025-05-31", [0, 1]),
        ("last_order_at:ge:2025-05-31T00:00:00+00:00", [0, 1]),
        ("balance:le:-57", [38, 39]),
        ("orders:not_in:" + "|".join(map(str, range(2, 40))), [0, 1]),
        ("churn_band:not_in:low", list(range(20, 40))),
        ("reasons:contains:SMALL", list(range(40))),
        ("reasons:contains:large", []),
    ],
)
def test_conditions(table: ServedTable, where: str, expected: list[int]) -> None:
    assert found(table, where) == [CUSTOMERS[number] for number in expected]


def test_nulls_are_in_no_group_and_lists_without_a_text_contain_none() -> None:
    table = ServedTable(
        pa.table({KEY: ["a", "b", "c", "d"], "x": ["u", None, "v", "w"], "l": [["ab", None], None, [], ["c", "AB"]]}),
        KEY,
    )
    assert found(table, "x:not_in:u|v") == ["b", "d"]
    assert found(table, "x:ne:u") == ["c", "d"]
    assert found(table, "l:contains:b") == ["a", "d"]


def test_all_conditions_must_hold(table: ServedTable) -> None:
    assert found(table, "orders:ge:5", "orders:lt:7", "is_member:eq:true") == ["customer-06"]


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nonsense", "there is no column 'nonsense'"),
        ("age:eq:1", "there are customer_id, orders, churn_risk"),
        ("orders", "eq, ne, lt"),
        ("orders:like:5", "'like' is not an operator"),
        ("orders:eq:many", "'orders' holds int64; 'many' is not one"),
        ("orders:eq:99999999999999999999", "holds int64"),
        ("last_order_at:ge:yesterday", "is not one"),
        ("orders:contains:5", "needs a column of text"),
        ("orders:null:maybe", "true or false"),
        ("reasons:eq:x", "holds list"),
        ("kind:in:a|b", "cannot test"),
        ("note:eq:" + "x" * 201, "longer than 200"),
    ],
)
def test_a_bad_condition_says_what_there_is(table: ServedTable, where: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        found(table, where)


def test_sorting_breaks_ties_by_key_and_puts_nulls_last(table: ServedTable) -> None:
    by_band = found(table, sort=("-churn_band",))
    assert by_band == [*CUSTOMERS[:20], *CUSTOMERS[20:]]
    assert found(table, sort=("churn_band",)) == [*CUSTOMERS[20:], *CUSTOMERS[:20]]
    assert found(table, sort=("churn_band", "-orders"))[:2] == ["customer-39", "customer-38"]
    for sort in ("churn_risk", "-churn_risk"):
        assert set(found(table, sort=(sort,))[-4:]) == {CUSTOMERS[n] for n in (0, 10, 20, 30)}
    assert found(table, sort=(f"-{KEY}",)) == CUSTOMERS[::-1]
    with pytest.raises(InputError, match="there is no column"):
        found(table, sort=("age",))
    with pytest.raises(InputError, match="cannot be sorted"):
        found(table, sort=("reasons",))


def test_orders_are_kept_for_the_next_page_and_only_a_few(table: ServedTable) -> None:
    def order() -> np.ndarray:
        positions = table.find((), ("orders",)).positions.base
        assert positions is not None
        return positions

    first = order()
    assert order() is first
    for number in range(CACHED_ORDERS):
        table.find((parse_filter(f"orders:ge:{number}", table.schema),), ())
    assert order() is not first


def test_heads_are_kept_too(table: ServedTable, monkeypatch: pytest.MonkeyPatch) -> None:
    first = table.find((), ("orders",), 3)
    monkeypatch.setattr(table, "_head", None)
    assert table.find((), ("orders",), 5).positions[:3].tolist() == first.positions.tolist()


def test_rows_of_keeps_the_order_and_leaves_unknown_ones_empty(table: ServedTable) -> None:
    rows = table.rows_of(["customer-05", "nobody", "customer-01"], ["orders", "absent"])
    assert rows == [{"orders": 5, "absent": None}, {"orders": None, "absent": None}, {"orders": 1, "absent": None}]


def test_an_empty_table_answers() -> None:
    table = ServedTable(customers_table().slice(0, 0), KEY)
    assert table.row("a") is None
    for rows in (None, 5):
        assert table.find((), ("-orders",), rows).total == 0
