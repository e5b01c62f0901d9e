import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import InputError
from pipelines.ingest.readers.formats.head import read_head


@pytest.mark.parametrize(
    ("text", "columns", "delimiter", "encoding"),
    [
        (b"a,b\n1,2\n", ("a", "b"), ",", "utf-8"),
        (b"\xef\xbb\xbfa;b\r\n1;2\r\n", ("a", "b"), ";", "utf-8"),
        (b'"a;b;c",d\n', ("a;b;c", "d"), ",", "utf-8"),  # separators inside quotes do not count
        (b'"a\nb"\tc\n', ("a\nb", "c"), "\t", "utf-8"),
        ("größe|b\n".encode("cp1252"), ("größe", "b"), "|", "cp1252"),
        ("größe|b\n".encode(), ("größe", "b"), "|", "utf-8"),
    ],
)
def test_a_table_has_columns_however_they_are_separated(
    tmp_path: Path, text: bytes, columns: tuple[str, ...], delimiter: str, encoding: str
) -> None:
    for packed in (text, gzip.compress(text)):
        (tmp_path / "t").write_bytes(packed)
        head = read_head(tmp_path / "t")
        assert (head.kind, head.columns, head.delimiter, head.encoding) == ("table", columns, delimiter, encoding)


@pytest.mark.parametrize(
    ("text", "kind", "first"),
    [
        (b'{"a": 1}\n{"b": 2}\n', "json", {"a": 1}),
        (b'[{"a": 1}]', "json", {}),
        (b'{"a": \n1}', "json", {}),
        (b'<?xml version="1.0"?><rss/>', "xml", {}),
        (b"one column\n1\n", "other", {}),
        (b"", "other", {}),
    ],
)
def test_other_files_are_told_apart(tmp_path: Path, text: bytes, kind: str, first: dict[str, int]) -> None:
    (tmp_path / "t").write_bytes(text)
    head = read_head(tmp_path / "t")
    assert (head.kind, head.first, head.columns) == (kind, first, ())


def test_parquet_has_columns(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "t")
    head = read_head(tmp_path / "t")
    assert (head.kind, head.columns) == ("parquet", ("a", "b"))


def test_utf_16_is_refused_with_advice(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes("a\tb\n".encode("utf-16"))
    with pytest.raises(InputError, match=r"UTF-16.* Save it as CSV in UTF-8"):
        read_head(tmp_path / "t")


def test_a_multi_byte_character_that_is_cut_at_the_limit_is_still_utf_8(tmp_path: Path) -> None:
    (tmp_path / "t").write_bytes(b"a,b\n" + b"x" * ((1 << 16) - 5) + "é,1\n".encode())
    assert read_head(tmp_path / "t").encoding == "utf-8"
