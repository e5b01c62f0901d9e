"""Read events again that were quarantined because an exchange rate was missing, once it is given.

Only events of the event log are read again, since the log is read once; a file can be ingested again.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import ibis
import pyarrow as pa

from contracts import columns as c
from contracts.errors import InvalidEvent
from contracts.events.parse import parse_event
from contracts.events.rows import event_rows
from contracts.events.rules import EventRules
from pipelines.ingest.quarantine import RECORD_KEY
from pipelines.ingest.readers.event_log import EVENT_LOG, READ_AT_ONCE
from pipelines.ingest.readers.record import Record
from pipelines.warehouse.currency import NO_RATE, AcceptedCurrencies

QUARANTINE: Final = "quarantine"
_CURRENCY: Final = c.EVENT_LINES.get_field_index(c.CURRENCY)


class QuarantineReader:
    """The quarantined events that can be stored now; `keys` is a table of their record_key."""

    def __init__(self, quarantine: ibis.Table, currencies: AcceptedCurrencies, rules: EventRules) -> None:
        origin = quarantine[c.ORIGIN]
        is_live = origin.startswith(f"{EVENT_LOG}:") | origin.startswith(f"{QUARANTINE}:")
        waiting = quarantine.filter(quarantine[c.CODE] == NO_RATE, is_live).order_by(RECORD_KEY)
        self._rows = [row for row in waiting.to_pyarrow().to_pylist() if _is_accepted(row, currencies, rules)]
        self.keys = pa.table({RECORD_KEY: pa.array([row[RECORD_KEY] for row in self._rows], pa.string())})

    def blocks(self) -> Iterator[list[Record]]:
        """The events, as they were received."""
        rows = enumerate(self._rows, start=1)
        while block := list(islice(rows, READ_AT_ONCE)):
            yield [_record(place, row) for place, row in block]


def _is_accepted(row: dict[str, Any], currencies: AcceptedCurrencies, rules: EventRules) -> bool:
    try:
        event = parse_event(row[c.RAW].encode(), row[c.RECEIVED_AT], rules)
        first, *_ = event_rows(event, row[c.RECEIVED_AT], row[c.SOURCE])
        currencies.checked(first[_CURRENCY] or "", event.occurred_at)
    except InvalidEvent:
        return False
    return True


def _record(place: int, row: dict[str, Any]) -> Record:
    raw = row[c.RAW].encode()
    return Record(raw, place, len(raw), None, None, row[c.RECEIVED_AT], row[c.SOURCE])
