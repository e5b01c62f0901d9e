"""The end of the event log: feeds the live visits with what this process and the others have just stored.

What this process stores is noted at once, in the request that brought it; what other processes stored, when the log is
read again. An event that this process has stored is marked before it enters the log, so that it is never noted twice.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.errors import InvalidEvent
from contracts.event_log import EventLog, LogRecord
from contracts.events import parse_event
from recsys.data.sessions import VISIT_GAP_SECONDS
from serving.events.envelope import Incoming
from serving.state.sessions import LiveVisits

READ_BACK: Final = 100_000  # records before the end that a start reads, so that a restart ends no visit
BLOCK_RECORDS: Final = 1_000
MAX_OWN: Final = 200_000  # keys; several times what may wait for the disk
_CONSENT: Final = b"onsent"  # in every event that says something of consent

_log: Final = logging.getLogger("serving.events")


class EventTail:
    """Follows an event log, which it owns, from shortly before its end; raises EventLogError where it has none."""

    def __init__(self, log: EventLog, visits: LiveVisits) -> None:
        self._event_log = log
        self._visits = visits
        # A place in the log is never less than the number of records up to it.
        self._cursor = max(0, log.counts().stored - READ_BACK)
        self._own: OrderedDict[str, bool] = OrderedDict()
        self._lock = threading.Lock()
        self._is_failing = False
        self._is_closing = False
        self._reading = threading.Lock()

    def claim(self, incoming: Sequence[Incoming]) -> None:
        """Say before they are stored that this process will note these events itself."""
        with self._lock:
            self._own.update((event.key, True) for event in incoming)
            while len(self._own) > MAX_OWN:
                self._own.popitem(last=False)

    def note(self, incoming: Sequence[Incoming], is_new: Sequence[bool], received_at: datetime) -> None:
        """Note the events that were new, now that they are stored."""
        for event, was_new in zip(incoming, is_new, strict=True):
            if was_new and event.event is not None:
                self._visits.note(event.event, received_at)

    def catch_up(self) -> None:
        """Read to the end of the log, and forget the visits that have ended. Never raises."""
        try:
            with self._reading:
                while not self._is_closing and self._read_block():
                    pass
            self._is_failing = False
        except Exception as error:
            if not self._is_failing:
                _log.error("live visits miss what other workers store, the log cannot be read: %s", error)
            self._is_failing = True
        self._visits.expire(datetime.now(UTC))

    def close(self) -> None:
        """Stop after the block that is being read."""
        self._is_closing = True
        with self._reading:
            self._event_log.close()

    def _read_block(self) -> bool:
        """Whether there may be more."""
        found = self._event_log.read(self._cursor, BLOCK_RECORDS)
        for stored in found:
            with self._lock:
                is_own = self._own.pop(stored.record.message_id, False)
            if not is_own:
                self._note_record(stored.record)
            self._cursor = stored.cursor
        return len(found) == BLOCK_RECORDS

    def _note_record(self, record: LogRecord) -> None:
        is_over = record.received_at < datetime.now(UTC) - timedelta(seconds=VISIT_GAP_SECONDS)
        if is_over and _CONSENT not in record.payload:
            return
        try:
            self._visits.note(parse_event(record.payload, record.received_at), record.received_at)
        except InvalidEvent:
            return  # ingest says what is wrong with it
