"""Tables fit the terminal, lose columns rather than letters, and text from outside is made harmless."""

import pytest

from shopkeeper.display.console import console
from shopkeeper.display.tables import Column, counted, number, print_rows, print_table, printable, words

COLUMNS = [
    Column("item", ["P1", "P2"]),
    Column("name", ["a name of some length that wraps", "tea"], least=10),
    Column("order", ["27", "1,000"], is_number=True),
    Column("further", ["x" * 20, "y"]),
]


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "width", 40)


@pytest.mark.usefixtures("narrow")
def test_text_wraps_between_words_and_the_last_columns_are_left_out_and_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table("Items", COLUMNS)
    shown = capsys.readouterr().out
    assert all(len(line) <= 40 for line in shown.splitlines())
    assert "…" not in shown
    assert all(word in shown for word in ["a", "name", "of", "some", "length", "that", "wraps", "27", "1,000"])
    assert "xxx" not in shown
    assert "Not shown for lack of width: further;" in shown


def test_everything_is_shown_where_there_is_room(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "width", 100)
    print_table("Items", COLUMNS)
    shown = capsys.readouterr().out
    assert "a name of some length that wraps" in shown
    assert "x" * 20 in shown
    assert "Not shown" not in shown


@pytest.mark.usefixtures("narrow")
def test_columns_that_were_asked_for_become_lines_where_they_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows("Rows", [{"a": 1, "b": None}], ["a", "b"])
    assert "a  b" in capsys.readouterr().out
    names = [f"a_rather_long_name_{n}" for n in range(4)]
    print_rows("Rows", [dict.fromkeys(names, 5), dict.fromkeys(names, 6)], names)
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if "_" in line]
    assert lines == [*([name, "5"] for name in names), *([name, "6"] for name in names)]


def test_no_rows_leave_the_title(capsys: pytest.CaptureFixture[str]) -> None:
    print_rows("0 customers", [], ["a"])
    assert capsys.readouterr().out == "0 customers\n"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), ("", "–"), (1234.5, "1,234.50"), (7, "7"), (["a", "b"], "a; b"), ("a\x1b[31m", "a�[31m")],
)
def test_a_cell_is_text_that_steers_no_terminal(value: object, text: str) -> None:
    assert printable(value) == text


@pytest.mark.parametrize(("value", "text"), [(3.0, "3"), (3.25, "3.25"), (None, "–"), ("tea", "tea")])
def test_whole_numbers_have_no_decimals(value: object, text: str) -> None:
    assert number(value) == text


def test_one_of_a_kind_is_singular() -> None:
    assert [counted(count, "item") for count in (0, 1, 2000)] == ["0 items", "1 item", "2,000 items"]


def test_codes_are_shown_in_words() -> None:
    assert (words("out_of_stock"), words(None)) == ("out of stock", "–")
