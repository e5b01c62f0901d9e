import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.record import Refusal
from pipelines.ingest.readers.rows import Row, Rows
from pipelines.ingest.readers.tables.groups import GROUP_ROW, carried_down
from pipelines.ingest.readers.tables.language import CarryDown

ROWS = [("1", "paid", "5"), ("1", "", ""), ("1", "open", None), ("2", "", "7"), ("2", "", "")]


def carried(down: CarryDown, rows: list[tuple[str | None, ...]]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    table = carried_down(Rows(("order", "status", "total"), (Row(n, values) for n, values in enumerate(rows))), down)
    return table.columns, [row.values for row in table.rows]


def test_blank_cells_are_filled_from_the_first_row_of_the_order_and_of_no_other() -> None:
    columns, rows = carried(CarryDown(["status"], key="order"), ROWS)
    assert columns == ("order", "status", "total", GROUP_ROW)
    assert rows == [
        ("1", "paid", "5", "1"),
        ("1", "paid", "", "2"),
        ("1", "open", None, "3"),
        ("2", "", "7", "1"),
        ("2", "", "", "2"),
    ]


def test_a_group_may_start_with_a_row_that_matches_and_its_cells_be_copied() -> None:
    rows = [("Product", "a", ""), ("SKU", "b", ""), ("Product", "c", ""), ("SKU", "d", "")]
    columns, found = carried(CarryDown([], start={"order": "Product"}, copies={"name": "status"}), rows)
    assert columns == ("order", "status", "total", "name", GROUP_ROW)
    assert [row[3:] for row in found] == [("a", "1"), ("a", "2"), ("c", "1"), ("c", "2")]


def test_a_row_that_cannot_be_read_stays_and_changes_nothing() -> None:
    bad = Row(2, ("x",), Refusal("malformed_csv", "why"))
    table = Rows(("order", "status"), iter([Row(1, ("1", "paid")), bad, Row(3, ("1", ""))]))
    found = list(carried_down(table, CarryDown(["status"], key="order")).rows)
    assert found == [Row(1, ("1", "paid", "1")), bad, Row(3, ("1", "paid", "2"))]


def test_missing_values_of_typed_tables_are_blank() -> None:
    table = Rows(("order", "id"), iter([Row(1, ("1", 7.0)), Row(2, ("1", float("nan")))]))
    assert [row.values[1] for row in carried_down(table, CarryDown(["id"], key="order")).rows] == [7.0, 7.0]


def test_a_table_that_was_sorted_is_refused() -> None:
    with pytest.raises(InputError, match="the rows of '1' do not follow each other"):
        carried(CarryDown(["status"], key="order"), [ROWS[0], ROWS[3], ROWS[1]])
    blank = ("", "total", "12")
    carried(CarryDown(["status"], key="order"), [blank, ROWS[0], blank])  # rows of no order are no group
