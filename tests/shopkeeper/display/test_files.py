"""A list goes to standard output, or to a file that is complete or unchanged."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import InputError
from shopkeeper.display.files import write_blocks


def test_a_file_is_replaced_when_the_list_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("old")
    write_blocks([b"a\n", b"b\n"], path, is_text=True)
    assert path.read_text() == "a\nb\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["list.csv"]


def test_a_list_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"a\n"
        raise OSError("disk full")

    path = tmp_path / "list.csv"
    path.write_text("old")
    with pytest.raises(OSError, match="disk full"):
        write_blocks(blocks(), path, is_text=True)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["list.csv"]


@pytest.mark.parametrize("output", ["", "missing/list.csv"])
def test_a_file_that_cannot_be_written_is_named(tmp_path: Path, output: str) -> None:
    with pytest.raises(InputError, match="folder that exists"):
        write_blocks([b"a"], tmp_path / output, is_text=True)


def test_without_a_file_the_blocks_go_to_standard_output(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    write_blocks([b"a\n", b"b\n"], None, is_text=True)
    assert capfdbinary.readouterr().out == b"a\nb\n"
