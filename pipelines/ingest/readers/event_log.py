"""Read the live event log: the events that the service accepted since the last ingest."""

from collections.abc import Iterator
from typing import Final

from contracts.logs.events import EventLog, StoredRecord
from pipelines.ingest.readers.record import Record
from pipelines.warehouse.file_index import LogPosition

EVENT_LOG: Final = "event log"
READ_AT_ONCE: Final = 5_000


class EventLogReader:
    """Reads a log from a position on, and keeps the position that it has reached."""

    def __init__(self, log: EventLog, position: LogPosition) -> None:
        self._log = log
        self._last = position if self._continues(position) else LogPosition()
        self._duplicates = log.counts().duplicate
        self._reported = position.duplicates if position.duplicates <= self._duplicates else 0

    @property
    def position(self) -> LogPosition:
        """Where the next ingest continues, once all records that were read are stored."""
        return LogPosition(self._last.cursor, self._last.message_id, self._duplicates)

    @property
    def repeats(self) -> int:
        """How many events the log itself dropped as repeats since they were last reported."""
        return self._duplicates - self._reported

    def blocks(self) -> Iterator[list[Record]]:
        """Every record after the position, in order."""
        is_full = True
        while is_full:  # a batch that is not full is the end; later records wait for the next ingest
            batch = self._log.read(self._last.cursor, READ_AT_ONCE)
            if batch:
                yield [_record(stored) for stored in batch]
                self._last = LogPosition(batch[-1].cursor, batch[-1].record.key)
            is_full = len(batch) == READ_AT_ONCE

    def _continues(self, position: LogPosition) -> bool:
        """Whether this appears to be the log that was read before.

        Another log, or one that was emptied, is read from its beginning.
        """
        found = self._log.read(position.cursor - 1, 1) if position.cursor else []
        if not found and position.cursor and not position.message_id:
            return True  # the last record was erased, with the person whose it was
        return bool(found) and (found[0].cursor > position.cursor or found[0].record.key == position.message_id)


def _record(stored: StoredRecord) -> Record:
    record = stored.record
    size = len(record.payload)
    return Record(record.payload, stored.cursor, size, None, None, record.received_at, record.source)
