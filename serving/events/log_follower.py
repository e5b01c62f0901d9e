"""Follows the event log: feeds the session store with the events that this process and others have just stored.

Events of this process are recorded at once, in the request that stored them; those of other processes when the log is
read again. Of the request and the reader, whichever comes first records an event, and the other one skips it.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.errors import InvalidEvent
from contracts.events.parse import Event, parse_event
from contracts.events.refusal import consent_of_refused
from contracts.events.rules import EventRules
from contracts.logs.events import EventLog, LogRecord
from recsys.data.sessions import SESSION_GAP_SECONDS
from serving.events.envelope import Incoming
from serving.state.protocol import SessionStore

READ_BACK: Final = 100_000  # records before the end that are read at the start, so that a restart ends no session
BLOCK_RECORDS: Final = 1_000
MAX_RECORDED: Final = 200_000  # keys; several times what may wait for the disk
_CONSENT: Final = (b"onsent", b"Privacy")  # one of them is in every event that states a consent

_log: Final = logging.getLogger("serving.events")


class LogFollower:
    """Follows an event log, which it owns, from shortly before its end; raises EventLogError if it cannot be read."""

    def __init__(self, log: EventLog, sessions: SessionStore, rules: EventRules) -> None:
        self._rules = rules
        self._event_log = log
        self._sessions = sessions
        self._cursor = log.before_last(READ_BACK)
        # The keys of recorded events that the other one, request or reader, may still come to.
        self._recorded: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()
        self._is_failing = False
        self._is_closing = False
        self._reading = threading.Lock()

    def record(self, incoming: Sequence[Incoming], is_new: Sequence[bool], received_at: datetime) -> None:
        """Record the new ones of these events, now that they are stored."""
        for event, was_new in zip(incoming, is_new, strict=True):
            if was_new and event.event is not None and self._is_first(event.key):
                self._sessions.record(event.event, received_at)

    def catch_up(self) -> None:
        """Read to the end of the log and delete the sessions that have ended. Never raises."""
        try:
            with self._reading:
                while not self._is_closing and self._read_block():
                    pass
            self._is_failing = False
        except Exception as error:
            if not self._is_failing:
                _log.error("sessions lack the events of other workers, the event log cannot be read: %s", error)
            self._is_failing = True
        self._sessions.expire(datetime.now(UTC))

    def close(self) -> None:
        """Stop after the block that is being read."""
        self._is_closing = True
        with self._reading:
            self._event_log.close()

    def _read_block(self) -> bool:
        """Whether there may be more."""
        records = self._event_log.read(self._cursor, BLOCK_RECORDS)
        for stored in records:
            if self._is_first(stored.record.key):
                self._record_stored(stored.record)
            self._cursor = stored.cursor
        return len(records) == BLOCK_RECORDS

    def _is_first(self, key: str) -> bool:
        """Whether neither the request that stored this event nor the reader has come to it yet."""
        with self._lock:
            if key in self._recorded:
                del self._recorded[key]
                return False
            self._recorded[key] = None
            while len(self._recorded) > MAX_RECORDED:
                self._recorded.popitem(last=False)
            return True

    def _record_stored(self, record: LogRecord) -> None:
        is_over = record.received_at < datetime.now(UTC) - timedelta(seconds=SESSION_GAP_SECONDS)
        if is_over and not any(word in record.payload for word in _CONSENT):
            return
        event = self._event(record)
        if event is not None:
            self._sessions.record(event, record.received_at)

    def _event(self, record: LogRecord) -> Event | None:
        try:
            return parse_event(record.payload, record.received_at, self._rules)
        except InvalidEvent:  # ingest reports what is wrong with it
            return consent_of_refused(record.payload, record.received_at, self._rules)
