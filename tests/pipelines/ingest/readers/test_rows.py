from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.rows import Row, open_rows


def csv_rows(path: Path, content: bytes, **options: str) -> list[Row]:
    path.write_bytes(content)
    return list(open_rows(path, **options).rows)


def test_csv_and_parquet_give_the_same_columns_and_rows(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"a,b\n1,x\n2,y\n")
    pq.write_table(pa.table({"a": ["1", "2"], "b": ["x", "y"]}), tmp_path / "t.parquet")
    csv, parquet = open_rows(tmp_path / "t.csv"), open_rows(tmp_path / "t.parquet")
    assert csv.columns == parquet.columns == ("a", "b")
    assert [row.values for row in csv.rows] == [row.values for row in parquet.rows] == [("1", "x"), ("2", "y")]


def test_quotes_may_hold_separators_and_line_ends(tmp_path: Path) -> None:
    found = csv_rows(tmp_path / "t", b'a;b\n"x;1\ny";2\n', delimiter=";")
    assert [row.values for row in found] == [("x;1\ny", "2")]


def test_another_encoding_is_read_when_it_is_named(tmp_path: Path) -> None:
    assert csv_rows(tmp_path / "t", "a\ncafé\n".encode("latin-1"), encoding="latin-1")[0].values == ("café",)


def test_a_bad_row_is_refused_and_the_rest_is_read(tmp_path: Path) -> None:
    content = b"a,b\n1,2\n1,2,3\n\xff,2\n" + b"x" * 40_000 + b",2\n\n3,4\n"
    found = csv_rows(tmp_path / "t", content)
    good = [(row.number, row.values) for row in found if row.refusal is None]
    bad = {row.number: row.refusal.code for row in found if row.refusal is not None}
    assert good == [(2, ("1", "2")), (7, ("3", "4"))]
    assert bad == {3: "malformed_csv", 4: "malformed_csv", 5: "too_large"}


def test_a_quote_that_is_never_closed_is_one_refused_row(tmp_path: Path) -> None:
    content = b'a,b\n1,2\n"3,4\n' + b"5,6\n" * 60_000
    refused = [row for row in csv_rows(tmp_path / "t", content) if row.refusal is not None]
    assert refused
    assert "lines 3 to" in refused[0].refusal.reason  # type: ignore[union-attr]


def test_an_empty_csv_file_needs_a_header(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is empty"):
        csv_rows(tmp_path / "t.csv", b"")


@pytest.mark.parametrize("content", [b"PAR1", b"PAR1" + b"x" * 100])
def test_a_damaged_parquet_file_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError, match=r"t\.parquet is a damaged"):
        csv_rows(tmp_path / "t.parquet", content)


def test_a_parquet_file_damaged_inside_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": [str(n) for n in range(5000)]}), path, use_dictionary=False)
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    with pytest.raises(InputError, match="damaged"):
        csv_rows(path, bytes(content))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read"):
        open_rows(tmp_path / "missing.csv")
