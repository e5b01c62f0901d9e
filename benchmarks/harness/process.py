"""Run a command as a user would, and say how long it took and how much memory it needed."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Measured:
    """One finished command."""

    seconds: float
    peak_mib: float  # of the largest single process
    stdout: str


def measure(arguments: Sequence[str], environment: Mapping[str, str]) -> Measured:
    """Run `python -m ...`; progress goes through to standard error. Raises CalledProcessError."""
    command = [sys.executable, "-m", *arguments]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | dict(environment), text=True)
    assert process.stdout is not None
    stdout = process.stdout.read()
    process.stdout.close()
    # wait4 gives the accounting of this process alone, which Popen.wait does not.
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command, stdout)
    return Measured(time.monotonic() - started, usage.ru_maxrss / 1024, stdout)
