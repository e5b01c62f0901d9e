"""Progress: each step is timed; a terminal gets bars, a file gets lines."""

import time

import pytest

from shopkeeper.display.progress import Lines, steps


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


def test_a_file_gets_a_line_with_the_time_when_the_step_changes(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(line_seconds=0.05, same_step_seconds=60)
    for step in ("read", "train: fit"):
        lines.begin(step, None)
        time.sleep(0.2)
    lines.close()
    told = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=1)[1] for line in told] == ["read", "train: fit"]  # each once, though both lasted
    assert all(line[2] == line[5] == ":" for line in told)


def test_many_short_steps_are_few_lines_and_a_long_one_is_told_again(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines(line_seconds=0.1, same_step_seconds=0.2)
    for number in range(100):
        lines.begin(f"item {number}", None)
        lines.update(number, 100)
    time.sleep(0.5)
    lines.close()
    told = capsys.readouterr().err.splitlines()
    assert len(told) < 10
    assert sum("item 99 99%" in line for line in told) >= 2
