"""The live event log: events that the service accepted, stored durably before it acknowledges them.

An event log stores one record per key and returns records in order after a cursor. The scheme of its URL selects the
implementation (`contracts.logs.event_logs`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from contracts.errors import SettingsError
from contracts.settings import url_path, url_scheme

# How long a log knows the keys of records that were trimmed, so that a repeat is not stored again.
KEYS_KEPT: Final = timedelta(days=30)


@dataclass(frozen=True)
class LogRecord:
    """One accepted event: the bytes of its JSON object, the time of receipt, and the source that it came from.

    `key` is what `sources.log_key` makes of the source and the message id.
    """

    key: str
    payload: bytes
    received_at: datetime
    source: str


@dataclass(frozen=True)
class StoredRecord:
    """A record with its place in the log."""

    cursor: int
    record: LogRecord


@dataclass(frozen=True)
class LogCounts:
    """How many records were stored, and how many duplicates were dropped, since the log was created."""

    stored: int
    duplicate: int


class EventLog(Protocol):
    """A durable, ordered log without duplicates."""

    def append(self, records: Sequence[LogRecord]) -> list[bool]:
        """Store the new records durably; returns for each record whether it was new. Raises EventLogError."""

    def read(self, after: int, limit: int) -> list[StoredRecord]:
        """At most `limit` records after the cursor `after` (0: from the beginning), in order. Raises EventLogError."""

    def count_after(self, cursor: int) -> int:
        """How many records `read` would give after the cursor, without a limit."""

    def counts(self) -> LogCounts:
        """Totals since the log was created. Raises EventLogError."""

    def before_last(self, records: int) -> int:
        """The cursor after which about that many records follow, 0 where there are fewer. Raises EventLogError."""

    def trim(self, before: int, received_before: datetime) -> int:
        """Remove records before the cursor `before` that were received before that time; returns how many.

        Their keys are known for `KEYS_KEPT` more. Raises EventLogError.
        """

    def remove(self, cursors: Sequence[int]) -> int:
        """Remove these records to the last byte; their keys stay known. Returns how many. Raises EventLogError."""

    def close(self) -> None:
        """Release the log; nothing acknowledged is lost."""


def _sqlite(url: str) -> EventLog:
    from contracts.logs.event_logs.sqlite import SqliteEventLog

    return SqliteEventLog(url_path(url))


def _redis(url: str) -> EventLog:
    from contracts.logs.event_logs.redis import RedisEventLog

    return RedisEventLog(url)


EVENT_LOGS: Final[dict[str, Callable[[str], EventLog]]] = {"sqlite": _sqlite, "redis": _redis, "rediss": _redis}


def open_event_log(url: str) -> EventLog:
    """The event log that a URL names."""
    factory = EVENT_LOGS.get(url_scheme(url))
    if factory is None:
        raise SettingsError(f"events = {url!r}: the scheme must be one of {', '.join(EVENT_LOGS)}.")
    return factory(url)
