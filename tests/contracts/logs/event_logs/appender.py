"""Append records one by one, as a process of its own; each that was acknowledged is printed, and each refusal.

`python -m tests.contracts.logs.event_logs.appender PATH RECORDS [PRAGMA]`: a refused record is tried again later.
"""

import sys
from pathlib import Path
from typing import Any

from contracts.errors import EventLogError
from contracts.logs.event_logs.sqlite import SqliteEventLog
from tests.contracts.logs.event_logs.suite import record

TRIES = 20


def main(path: str, records: str, pragma: str = "") -> None:
    log: Any = opened(Path(path))
    if pragma:
        log._connection.execute(pragma)
    for number in range(int(records)):
        for _ in range(TRIES):
            try:
                (is_new,) = log.append([record(f"m{number}")])
            except EventLogError:
                say(f"refused m{number}")
                continue
            say(f"{'stored' if is_new else 'duplicate'} m{number}")
            break


def opened(path: Path) -> SqliteEventLog:
    for _ in range(TRIES):
        try:
            return SqliteEventLog(path)
        except EventLogError:
            say("refused to open")
    raise SystemExit("the log cannot be opened")


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
