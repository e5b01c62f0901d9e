import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.errors import InputError
from contracts.events.parse import MAX_EVENT_BYTES
from pipelines.ingest.readers.lines import read_blocks, read_lines


def lines_of(path: Path, block_bytes: int) -> list[tuple[int, bytes, int]]:
    return [line for block in read_blocks(path, block_bytes) for line in block]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(text=st.text("ab\n", max_size=60).map(str.encode), block_bytes=st.integers(1, 20))
def test_blocks_of_any_size_give_the_lines_of_the_file(tmp_path: Path, text: bytes, block_bytes: int) -> None:
    path = tmp_path / "file"
    path.write_bytes(text)
    expected = [(number, line) for number, line in enumerate(text.split(b"\n"), start=1) if line]
    assert [(number, line) for number, line, _ in lines_of(path, block_bytes) if line] == expected


@pytest.mark.parametrize("block_bytes", [1000, 40_000, 1 << 21])
def test_a_huge_line_is_cut_and_its_size_known_and_the_next_lines_keep_their_numbers(
    tmp_path: Path, block_bytes: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"first\n" + b"x" * 10_000_000 + b"\nthird\n\nfifth")
    found = [(number, text[:5], size) for number, text, size in lines_of(path, block_bytes) if text]
    assert found == [(1, b"first", 5), (2, b"xxxxx", 10_000_000), (3, b"third", 5), (5, b"fifth", 5)]
    assert max(len(text) for _, text, _ in lines_of(path, block_bytes)) <= MAX_EVENT_BYTES + 1


def test_a_huge_line_without_an_end_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 5_000_000)
    assert [(number, size) for number, _, size in read_lines(path)] == [(1, 5_000_000)]


def test_gzip_is_known_by_its_content_and_a_byte_order_mark_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(gzip.compress(b"\xef\xbb\xbfone\ntwo"))
    assert [text for _, text, _ in read_lines(path)] == [b"one", b"two"]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert not list(read_lines(tmp_path / "file"))


def test_a_truncated_gzip_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(b"one\n" * 10_000)[:-20])
    with pytest.raises(InputError, match=r"cut\.gz is a damaged or truncated gzip"):
        list(read_lines(path))


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_what_is_no_file_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot read"):
        list(read_lines(tmp_path / name))
