"""kill -9: every event that was confirmed is in the log, once. (It cannot show a missing sync; `test_disk.py` does.)"""

from pathlib import Path

from benchmarks.reliability.kills import kill_rounds

ROUNDS = 4


def test_every_confirmed_event_survives_the_kills(tmp_path: Path) -> None:
    report = kill_rounds(tmp_path, ROUNDS)
    assert report.kills == ROUNDS
    assert report.confirmed >= ROUNDS * 100
    assert (report.lost, report.doubled) == (0, 0)
    assert report.stored >= report.confirmed


def test_a_service_that_confirms_too_early_is_caught(tmp_path: Path) -> None:
    assert kill_rounds(tmp_path, 1, "tests.serving.events.hasty:from_environment").lost > 0
