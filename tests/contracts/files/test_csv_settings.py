from pathlib import Path

import pytest

from contracts.errors import SettingsError
from contracts.files.csv_settings import table_rows


def read(path: Path, text: str) -> list[tuple[str, dict[str, str]]]:
    (path / "a.csv").write_text(text, encoding="utf-8")
    return [
        (place.removeprefix(f"{path}/"), row)
        for place, row in table_rows(path / "a.csv", "a table of rates", ["code", "rate"], ["date"])
    ]


def test_rows_come_with_their_place_and_without_spaces_and_empty_lines(tmp_path: Path) -> None:
    assert read(tmp_path, "\ufeffrate, code\n2 , A\n\n3,B\n") == [
        ("a.csv, line 2", {"rate": "2", "code": "A"}),
        ("a.csv, line 4", {"rate": "3", "code": "B"}),
    ]


@pytest.mark.parametrize("header", ["code", "code,rate,colour", "code,rate,rate", ""])
def test_a_header_with_missing_unknown_or_repeated_columns_is_refused(tmp_path: Path, header: str) -> None:
    with pytest.raises(SettingsError, match="a table of rates has code, rate and may have date, each once"):
        read(tmp_path, f"{header}\n")


def test_a_row_of_another_length_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="line 3: 1 values, where the header has 2"):
        read(tmp_path, "code,rate\nA,1\nB\n")


def test_a_missing_file_is_refused_with_the_columns_that_it_needs(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"a table of rates was expected: .*code, rate and, optionally, date"):
        list(table_rows(tmp_path / "none.csv", "a table of rates", ["code", "rate"], ["date"]))
