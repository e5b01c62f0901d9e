from pathlib import Path

from pipelines.ingest.readers.record import Record
from pipelines.ingest.readers.segment import read_segment


def records(path: Path, content: bytes) -> list[Record]:
    path.write_bytes(content)
    return [record for block in read_segment(path) for record in block]


def test_each_line_is_a_record_and_blank_lines_are_none(tmp_path: Path) -> None:
    found = records(tmp_path / "f", b'{"a":1}\r\n\n   \n {"b":2} \n')
    assert [(r.raw, r.place, r.refusal) for r in found] == [(b'{"a":1}', 1, None), (b'{"b":2}', 4, None)]


def test_a_line_that_is_too_long_is_refused_with_its_size(tmp_path: Path) -> None:
    (found,) = records(tmp_path / "f", b"x" * 10_000_000)
    assert found.refusal is not None
    assert found.refusal.code == "too_large"
    assert "10,000,000 bytes" in found.refusal.reason
    assert found.size == 10_000_000
