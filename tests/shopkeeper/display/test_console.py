"""Progress is shown on standard error and timed by step; results are JSON on standard output."""

import json
from datetime import UTC, datetime

import pytest

from shopkeeper.display.console import print_json, steps


def test_each_step_is_timed_once_and_a_repeated_one_adds_up() -> None:
    with steps() as progress:
        progress("read")
        progress("train", 1, 2)
        progress("train", 2, 2)
        progress("read")
    assert list(progress.seconds) == ["read", "train"]
    assert all(seconds >= 0 for seconds in progress.seconds.values())


def test_a_step_that_fails_is_timed_too() -> None:
    def fail() -> None:
        with steps() as progress:
            seconds.append(progress.seconds)
            progress("read")
            raise ValueError("disk full")

    seconds: list[dict[str, float]] = []
    with pytest.raises(ValueError, match="disk full"):
        fail()
    assert list(seconds[0]) == ["read"]


def test_json_goes_to_standard_output_and_times_become_text(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"at": datetime(2026, 1, 1, tzinfo=UTC)})
    assert json.loads(capsys.readouterr().out) == {"at": "2026-01-01 00:00:00+00:00"}
