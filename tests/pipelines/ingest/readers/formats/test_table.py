import json
from pathlib import Path

import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.formats.format import Export, Head, Terms
from pipelines.ingest.readers.formats.head import read_head
from pipelines.ingest.readers.formats.table import TableFormat, nearest, plain, table_formats
from pipelines.ingest.readers.tables.language import ExportHeader, Fields, Items, Mapping, Rule
from tests.pipelines.wire import NOW

MAPPING = Mapping(
    fields=Fields("Date", user_id="E-mail", order_id="Number", price="Price"),
    rules=[Rule(event="Order Completed")],
    export=ExportHeader("Till", ["Date", "E-mail"], absent=["Void"], aliases={"Date": ["Datum"]}),
    source="till",
)
TILL = TableFormat(MAPPING)


def opened(path: Path, text: str, till: TableFormat = TILL) -> Export:
    path.write_text(text)
    return till.open(path, read_head(path), Terms(NOW))


@pytest.mark.parametrize(
    ("columns", "is_known"),
    [
        (("Date", "E-mail"), True),
        (("e-mail", "more", " DATE "), True),
        (("Datum", "E-mail"), True),
        (("Date",), False),
        (("Date", "E-mail", "Void"), False),
    ],
)
def test_a_file_is_known_by_its_columns_however_they_are_written(columns: tuple[str, ...], is_known: bool) -> None:
    assert TILL.recognizes(Head("table", b"", columns)) == is_known
    assert not TILL.recognizes(Head("json", b"", columns))


def test_a_file_name_may_decide() -> None:
    header = ExportHeader("Till", ["Date"], file_name="(?i)till_.*")
    till = TableFormat(Mapping(fields=MAPPING.fields, rules=MAPPING.rules, export=header))
    assert till.recognizes(Head("table", b"", ("Date",), name="Till_1.csv"))
    assert not till.recognizes(Head("table", b"", ("Date",), name="other.csv"))


def test_it_reads_the_columns_of_the_mapping_and_no_others(tmp_path: Path) -> None:
    export = opened(tmp_path / "t.csv", "Phone;datum;E-Mail\r\n555;2026-01-01;a\r\n555;never;b\r\n")
    assert (export.takes, export.leaves) == (("datum", "E-Mail"), ("Phone",))
    good, bad = (record for block in export.blocks for record in block)
    assert json.loads(good.raw)["userId"] == "a"
    assert bad.refusal is not None
    assert bad.original == (("Date", "E-mail", "Number", "Price"), ("never", "b", "", ""))


def test_of_a_row_that_cannot_be_read_no_cell_is_kept(tmp_path: Path) -> None:
    export = opened(tmp_path / "t.csv", "Date,E-mail\n2026-01-01,a,555\n2026-01-02,b,555\n")
    found = [record.original for block in export.blocks for record in block]
    assert [original and original[1] for original in found] == [("t.csv, line 2",), ("t.csv, line 3",)]


def test_without_a_required_column_it_says_which(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file of Till: it has no column 'E-mail'; it has 'Date', 'x'"):
        opened(tmp_path / "t.csv", "Date,x\n1,2\n")


def test_items_come_from_the_same_table(tmp_path: Path) -> None:
    header = ExportHeader("Stock", ["sku"])
    till = TableFormat(Mapping(items=Items("sku", stock="left", is_partial=True), export=header))
    export = opened(tmp_path / "t.csv", "sku,left\ntea,3\n", till)
    assert export.is_partial
    assert [record.original for record in export.items or ()] == [(("item_id", "stock"), ("tea", 3.0))]


def test_shipped_mappings_with_a_header_are_formats() -> None:
    assert "shopify_orders" in [each.name for each in table_formats()]
    assert "online_retail" not in [each.name for each in table_formats()]
    assert plain(" \ufeffName *") == "name"


def test_of_columns_with_one_name_the_first_is_read(tmp_path: Path) -> None:
    export = opened(tmp_path / "t.csv", "x,E-mail,E-MAIL,Date\n1,a,b,2026-01-01\n")
    assert (export.takes, export.leaves) == (("E-mail", "Date"), ("x", "E-MAIL"))
    (record,) = (record for block in export.blocks for record in block)
    assert json.loads(record.raw)["userId"] == "a"


def test_a_table_that_lacks_little_is_most_like_a_format() -> None:
    wide = TableFormat(
        Mapping(fields=MAPPING.fields, rules=MAPPING.rules, export=ExportHeader("Till", ["a", "b", "c"]))
    )
    head = Head("table", b"", ("a", "c"))
    assert wide.missing(head) == ["b"]
    assert nearest(head, [TILL, wide]) == " It is most like Till, but has no column 'b'."
    assert nearest(Head("table", b"", ("a", "x")), [TILL, wide]) == ""
