"""Group commit: one thread writes to the event log, in one transaction for all waiting requests.

A commit costs one disk synchronisation, for one event or a thousand. Requests that arrive during a commit share the
next one. The event loop never waits for a disk.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from contracts.errors import EventLogError
from contracts.logs.events import EventLog, LogRecord

MAX_GROUP_RECORDS: Final = 10_000
MAX_WAITING_RECORDS: Final = 50_000  # beyond this the disk does not keep up, and senders are asked to retry

_log: Final = logging.getLogger("serving.events")


@dataclass(frozen=True)
class _Waiting:
    """One request's records, and where its answer goes."""

    records: Sequence[LogRecord]
    answer: "asyncio.Future[list[bool]]"
    loop: asyncio.AbstractEventLoop


class EventWriter:
    """Appends to an event log from one thread."""

    def __init__(self, log: EventLog) -> None:
        self._event_log = log
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._waiting_records = 0  # changed on the event loop only
        self._thread = threading.Thread(target=self._run, name="event-writer", daemon=True)
        self._thread.start()

    async def append(self, records: Sequence[LogRecord]) -> list[bool]:
        """Store the records durably; returns for each whether it was new. Raises EventLogError if they may be lost."""
        if self._waiting_records + len(records) > MAX_WAITING_RECORDS:
            raise EventLogError(f"{self._waiting_records:,} events wait for the disk already")
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[list[bool]] = loop.create_future()
        self._waiting_records += len(records)
        try:
            self._queue.put(_Waiting(records, answer, loop))
            return await answer
        finally:
            self._waiting_records -= len(records)

    def close(self) -> None:
        """Write the waiting records, then close the log."""
        self._queue.put(None)
        self._thread.join()
        self._event_log.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            group, is_open = self._next_group()
            if group:
                self._commit(group)

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """Wait for one request, then take all requests that are queued behind it."""
        group: list[_Waiting] = []
        size = 0
        while size < MAX_GROUP_RECORDS:
            try:
                waiting = self._queue.get(block=not group)
            except queue.Empty:
                break
            if waiting is None:
                return group, False
            group.append(waiting)
            size += len(waiting.records)
        return group, True

    def _commit(self, group: list[_Waiting]) -> None:
        records = [record for waiting in group for record in waiting.records]
        try:
            is_new = self._event_log.append(records)
        except Exception as error:
            # After any error, no request may report its events as stored.
            _log.error("the event log refused %d events of %d requests: %s", len(records), len(group), error)
            for waiting in group:
                _deliver(waiting, error if isinstance(error, EventLogError) else EventLogError(type(error).__name__))
            return
        start = 0
        for waiting in group:
            end = start + len(waiting.records)
            _deliver(waiting, is_new[start:end])
            start = end


def _deliver(waiting: _Waiting, outcome: list[bool] | Exception) -> None:
    def resolve() -> None:
        if waiting.answer.done():  # the sender went away
            return
        if isinstance(outcome, Exception):
            waiting.answer.set_exception(outcome)
        else:
            waiting.answer.set_result(outcome)

    try:
        waiting.loop.call_soon_threadsafe(resolve)
    except RuntimeError:
        _log.warning("a request ended before its events were confirmed; they are stored")
