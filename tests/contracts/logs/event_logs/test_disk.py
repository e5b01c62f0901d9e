"""What an acknowledgement is worth: it comes after the sync, and a disk that fails or is full never makes it untrue.

strace shows the order of the system calls, and lets the n-th of them fail.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.logs.event_logs.sqlite import SqliteEventLog

RECORDS = 5
APPENDER = [sys.executable, "-m", "tests.contracts.logs.event_logs.appender"]
FAILING = ("pwrite64", "fdatasync")
pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")


def traced(path: Path, *strace: str, pragma: str = "") -> tuple[list[str], list[str]]:
    """What the appender said, and the lines of the trace."""
    trace = path.with_suffix(".trace")
    command = ["strace", "-f", "-o", str(trace), *strace, *APPENDER, str(path), str(RECORDS), pragma]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout.splitlines(), trace.read_text().splitlines()


def acknowledged_before_the_sync(path: Path, pragma: str = "") -> tuple[int, int]:
    """How many of the acknowledgements came without a sync since the one before, and how many came in all."""
    _, calls = traced(path, "-e", "trace=write,fsync,fdatasync", pragma=pragma)
    early = total = 0
    is_synced = False
    for call in calls:
        if re.search(r"f(data)?sync\(.*= 0$", call):
            is_synced = True
        elif re.search(r'write\(1, "stored m', call):
            early, total, is_synced = early + (not is_synced), total + 1, False
    return early, total


def test_every_acknowledgement_is_after_the_sync(tmp_path: Path) -> None:
    assert acknowledged_before_the_sync(tmp_path / "a.sqlite") == (0, RECORDS)


def test_a_log_that_does_not_sync_is_caught(tmp_path: Path) -> None:
    early, total = acknowledged_before_the_sync(tmp_path / "a.sqlite", "PRAGMA synchronous=OFF")
    assert total == RECORDS
    assert early >= RECORDS - 1


@pytest.mark.parametrize("call", FAILING)
@pytest.mark.parametrize("number", [1, 2, 7])
def test_after_a_failed_call_nothing_is_acknowledged_that_is_not_there(tmp_path: Path, call: str, number: int) -> None:
    path = tmp_path / "a.sqlite"
    SqliteEventLog(path).close()
    said, calls = traced(path, "-e", f"trace={call}", "-e", f"inject={call}:error=EIO:when={number}")
    assert any("INJECTED" in line for line in calls)
    log = SqliteEventLog(path)
    stored = [found.record.key for found in log.read(0, 100)]
    log.close()
    acknowledged = [line.split()[1] for line in said if not line.startswith("refused")]
    assert sorted(stored) == sorted(set(stored))
    assert set(acknowledged) <= set(stored)
    assert len(acknowledged) == RECORDS  # it recovers


def test_a_full_disk_refuses_and_loses_nothing(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=120k", "tmpfs", str(disk)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a small disk")
    try:
        run = [*APPENDER, str(disk / "a.sqlite"), "400"]
        filler = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
        acknowledged = {line.split()[1] for line in filler if not line.startswith("refused")}
        log = SqliteEventLog(disk / "a.sqlite")  # reading goes on
        stored = {found.record.key for found in log.read(0, 10_000)}
        log.close()
        assert 0 < len(acknowledged) < 400
        assert acknowledged <= stored
        subprocess.run(["mount", "-o", "remount,size=50m", str(disk)], check=True)
        after = subprocess.run(run, capture_output=True, text=True, check=True).stdout.splitlines()
        assert [line for line in after if line.startswith("refused")] == []
        assert len({line.split()[1] for line in after}) == 400
    finally:
        subprocess.run(["umount", str(disk)], check=True)
