from typing import Any

from pipelines.ingest.readers.formats.items import item_records
from pipelines.ingest.readers.record import Record, Refusal
from pipelines.ingest.readers.rows import Row, Rows
from pipelines.ingest.readers.tables.language import CarryDown, ItemRule, Items, Mapping, Parent

COLUMNS = ("id", "name", "price", "stock", "kind", "of")


def records(items: Items, *rows: tuple[str, ...], **more: Any) -> list[Record]:
    table = Rows(COLUMNS, (Row(number, values) for number, values in enumerate(rows, start=1)))
    return list(item_records(table, Mapping(items=items, **more), "."))


def read(items: Items, *rows: tuple[str, ...], **more: Any) -> list[dict[str, Any]]:
    return [dict(zip(*record.original, strict=True)) for record in records(items, *rows, **more) if record.original]


def test_a_row_is_an_item_with_attributes() -> None:
    items = Items(
        "id", "name", price="price", stock="stock", attributes={"sort": "kind"}, attribute_pairs=[("kind", "of")]
    )
    assert read(items, ("'1", "Tea", "EUR 1,234.50", "3", "leaf", "green")) == [
        {"item_id": "1", "item_name": "Tea", "price": 1234.5, "stock": 3.0, "sort": "leaf", "leaf": "green"}
    ]


def test_rules_leave_rows_out_and_say_what_is_in_stock() -> None:
    items = Items(
        "id",
        stock="stock",
        rules=[
            ItemRule({"kind": "image"}, leave_out=True),
            ItemRule({"kind": "draft"}, stock=0.0),
            ItemRule({"kind": "digital"}, is_untracked=True),
        ],
    )
    rows = [(str(number), "", "", "9", kind, "") for number, kind in enumerate(("image", "draft", "digital", ""))]
    assert [item.get("stock") for item in read(items, *rows)] == [0.0, None, 9.0]


def test_the_stock_of_several_places_is_added_up() -> None:
    items = Items("id", "name", stock="stock", add_up_stock=True)
    rows = [("1", "Tea", "", "3", "", ""), ("2", "Cup", "", "1", "", ""), ("1", "Tea", "", "4", "", "")]
    assert [item["stock"] for item in read(items, *rows)] == [7.0, 1.0]


def test_a_row_takes_from_its_parent_and_from_the_first_row() -> None:
    items = Items("id", "name", "kind", parent=Parent("of", {"id": "id:", "name": ""}, ["kind"]))
    rows = [("1", "Tea", "", "", "drinks", ""), ("2", "", "", "", "", "id:1"), ("3", "", "", "", "", "Tea")]
    assert [item["item_category"] for item in read(items, *rows)] == ["drinks"] * 3
    down = CarryDown(["name"], key="of")
    found = read(Items("id", "name"), ("1", "Tea", "", "", "", "x"), ("2", "", "", "", "", "x"), carry_down=down)
    assert [item["item_name"] for item in found] == ["Tea", "Tea"]


def test_the_first_of_several_categories_is_taken() -> None:
    (item,) = read(Items("id", item_category="kind", category_list=","), ("1", "", "", "", "Tea > Green, Gifts", ""))
    assert item["item_category"] == "Tea > Green"


def test_a_price_that_cannot_be_read_refuses_the_row_and_nothing_is_lost() -> None:
    bad = Row(2, ("file, line 2",), Refusal("malformed_csv", "why"))
    table = Rows(COLUMNS, iter([Row(1, ("1", "", "12,50", "", "", "")), bad]))
    first, second = item_records(table, Mapping(items=Items("id", price="price", add_up_stock=True)), ".")
    assert first.refusal is not None
    assert (first.refusal.code, second.refusal) == ("bad_amount", bad.refusal)
