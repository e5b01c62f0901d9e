import numpy as np
import pyarrow as pa
import pytest

from contracts.errors import InputError
from serving.answers.tables.filters import parse_filter
from tests.serving.shop import CUSTOMERS, customers_table

KEY = "customer_id"


@pytest.fixture
def table() -> pa.Table:
    kinds = pa.array(["a"] * len(CUSTOMERS)).dictionary_encode()
    return customers_table().append_column("kind", kinds)


def found(table: pa.Table, *where: str) -> list[str]:
    """The keys of the rows that pass all filters."""
    passes = np.ones(len(table), bool)
    for text in where:
        row_filter = parse_filter(text, table.schema)
        passes &= row_filter.mask(table.column(row_filter.column)).fill_null(False).to_numpy()
    return table[KEY].filter(pa.array(passes)).to_pylist()


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
def test_operators(table: pa.Table, where: str, expected: list[int]) -> None:
    assert found(table, where) == [CUSTOMERS[number] for number in expected]


def test_nulls_are_in_no_group_and_lists_without_the_text_do_not_contain_it() -> None:
    table = pa.table(
        {KEY: ["a", "b", "c", "d"], "x": ["u", None, "v", "w"], "l": [["ab", None], None, [], ["c", "AB"]]}
    )
    assert found(table, "x:not_in:u|v") == ["b", "d"]
    assert found(table, "x:ne:u") == ["c", "d"]
    assert found(table, "l:contains:b") == ["a", "d"]


def test_all_filters_must_pass(table: pa.Table) -> None:
    assert found(table, "orders:ge:5", "orders:lt:7", "is_member:eq:true") == ["customer-06"]


@pytest.mark.parametrize(
    ("where", "message"),
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
def test_a_bad_filter_names_what_exists(table: pa.Table, where: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        found(table, where)
