"""Measure the promises that take long to test.

`python -m benchmarks.reliability --kills 300` kills the service 300 times amid requests. The last line is one JSON
object.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

from benchmarks.reliability.kills import kill_rounds


def main(arguments: list[str] | None = None) -> None:
    """Run what was asked for, and print the report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.reliability", description=__doc__)
    parser.add_argument("--kills", type=int, default=300, help="how often the service is killed (default: 300)")
    parser.add_argument("--home", type=Path, help="an empty folder for the event log (default: a temporary one)")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        report = kill_rounds(given.home or Path(folder), given.kills, progress=_say)
    sys.stdout.write(f"{json.dumps(report.as_dict())}\n")


def _say(kills: int) -> None:
    if kills % 20 == 0:
        sys.stderr.write(f"{kills} kills\n")


if __name__ == "__main__":
    main()
