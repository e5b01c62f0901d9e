import pytest

from contracts.progress import Progress, silent


def test_silent_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    progress: Progress = silent
    progress("read events", 1.0, 2.0)
    progress("commit")
    assert capsys.readouterr() == ("", "")
