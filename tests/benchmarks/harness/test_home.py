"""A benchmark empties only what is its own."""

from pathlib import Path

import pytest

from benchmarks.harness.home import emptied


def test_a_folder_of_an_earlier_run_is_emptied(tmp_path: Path) -> None:
    home = emptied(tmp_path / "bench")
    (home / "rest").write_text("old")
    assert not (emptied(home) / "rest").exists()


def test_a_folder_of_somebody_else_is_kept(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("mine")
    with pytest.raises(SystemExit, match="name another with --home"):
        emptied(tmp_path)
    assert (tmp_path / "letter").read_text() == "mine"
