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


def test_an_empty_table_answers() -> None:
    table = ServedTable(customers_table().slice(0, 0), KEY)
    assert table.row("a") is None
    for rows in (None, 5):
        assert table.find((), ("-orders",), rows).total == 0
