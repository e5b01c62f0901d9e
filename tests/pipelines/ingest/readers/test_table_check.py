"""Tables are recognized by their beginning, JSON lines never are taken for one."""

import gzip
from pathlib import Path

import pytest

from contracts.errors import InputError
from pipelines.ingest.ingest import ingest
from pipelines.ingest.readers.table_check import kind_of_table
from tests.pipelines.wire import settings_in, warehouse_in


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"Name,Email,Financial Status\n#1001,a@b.example,paid\n", "CSV"),
        (b"\xef\xbb\xbfid;price\n", "CSV"),
        (gzip.compress(b"id\tprice\n"), "CSV"),
        (b"PAR1\x15\x04", "Parquet"),
        (b'\n{"type": "page", "a": [1, 2]}\n', None),
        (b'garbage{"type": "page", "b": 1}\n', None),
        (b"not json at all\n", None),
        (b"", None),
    ],
)
def test_the_beginning_of_a_file_says_what_it_is(content: bytes, kind: str | None, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(content)
    assert kind_of_table(tmp_path / "file") == kind


def test_a_table_without_a_mapping_is_refused_before_anything_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "orders.csv"
    path.write_text("Name,Email\n#1001,a@b.example\n")
    with pytest.raises(InputError, match=r"looks like CSV.*--mapping FILE.*mapping draft"):
        ingest(settings_in(tmp_path / "home"), [path])
    assert warehouse_in(tmp_path / "home").quarantine().count().execute() == 0
