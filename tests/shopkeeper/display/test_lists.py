"""A list goes to the terminal as a table, or as JSON, CSV or Parquet to standard output or a file."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.errors import InputError
from serving.answers.tables.list_request import ListOptions, ListRequest, parse_list
from serving.answers.tables.table import Found, ServedTable
from shopkeeper.display.lists import SCREEN_ROWS, default_limit, form_of, give_list, say_how_many

TABLE = ServedTable(pa.table({"item_id": ["a", "b", "c"], "price": [1.0, 2.0, 3.0]}), "item_id")


def request(form: str, limit: int | None = None) -> tuple[ListRequest, Found]:
    parsed = parse_list("items", TABLE, form, ListOptions(limit=limit))
    return parsed, parsed.find(None)


@pytest.mark.parametrize(
    ("as_csv", "as_json", "form"), [(False, False, "parquet"), (True, False, "csv"), (True, True, "json")]
)
def test_short_options_name_a_form(as_csv: bool, as_json: bool, form: str) -> None:
    assert form_of("parquet", as_csv, as_json) == form


def test_only_what_is_read_on_a_screen_has_a_default_limit() -> None:
    assert [default_limit(form) for form in ("table", "json", "csv", "parquet")] == [
        SCREEN_ROWS,
        SCREEN_ROWS,
        None,
        None,
    ]


def test_json_holds_the_first_rows_and_the_total(tmp_path: Path) -> None:
    give_list(*request("json", limit=2), "v1", tmp_path / "list.json", print)
    found = json.loads((tmp_path / "list.json").read_text())
    assert (found["bundle_version"], found["total"]) == ("v1", 3)
    assert [row["item_id"] for row in found["rows"]] == ["a", "b"]


def test_csv_holds_every_row(tmp_path: Path) -> None:
    give_list(*request("csv"), "v1", tmp_path / "list.csv", print)
    assert (tmp_path / "list.csv").read_text().count("\n") == 4


def test_a_table_is_printed_and_goes_to_no_file(tmp_path: Path) -> None:
    printed: list[str] = []
    give_list(*request("table"), "v1", None, lambda: printed.append("table"))
    assert printed == ["table"]
    with pytest.raises(InputError, match="--format other than table"):
        give_list(*request("table"), "v1", tmp_path / "list.txt", print)


def test_rows_that_are_not_shown_are_mentioned(capsys: pytest.CaptureFixture[str]) -> None:
    say_how_many(3, 3)
    assert capsys.readouterr().out == ""
    say_how_many(2, 3)
    assert "The first 2 are shown" in capsys.readouterr().out
