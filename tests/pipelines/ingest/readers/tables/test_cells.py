from datetime import date
from typing import Any

from pipelines.ingest.readers.tables.cells import NOTHING, Cells
from pipelines.ingest.readers.tables.language import Column, Joined, Mapping

COLUMNS = ("sku", "title", "colour", "size")
FIELDS: dict[str, Column] = {"item_id": ["sku", "gone", "variant"], "item_name": "title", "item_brand": "gone"}
NAME = Joined(["title", "colour", "size"], [" - ", " / "])


def cell(field: str, *values: Any, **changes: Any) -> str:
    cells = Cells(Mapping(joined={"variant": NAME}, **changes), COLUMNS, FIELDS)
    return cells(values)[cells.place_of(field)]


def test_a_field_has_the_first_of_its_columns_that_is_not_empty() -> None:
    assert cell("item_id", " s1 ", "Tea", "red", "L") == "s1"
    assert cell("item_id", "", "Tea", "red", "L") == "Tea - red / L"
    assert cell("item_id", "", "Tea", "", "L") == "Tea / L"
    assert cell("item_id", "-", "Tea", "Default Title", "", blanks=["-", "default title"]) == "Tea"


def test_what_the_mapping_or_the_file_lacks_is_blank() -> None:
    assert cell("item_brand", "s1", "Tea", "", "") == ""
    cells = Cells(Mapping(), COLUMNS, FIELDS)
    assert (cells.place_of("price"), cells.place_of_column("gone")) == (NOTHING, NOTHING)


def test_typed_cells_become_text_and_constants_are_cells() -> None:
    assert cell("item_id", 7.0, None, float("nan"), None) == "7"
    assert cell("item_name", None, date(2026, 1, 2), None, None) == "2026-01-02"
    assert cell("currency", "s1", "Tea", "", "", constants={"currency": "EUR"}) == "EUR"
