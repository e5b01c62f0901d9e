"""Live events that waited for a rate come back by themselves, once, and nothing else does."""

import json
from pathlib import Path
from typing import Any

from contracts import columns as c
from contracts.logs.events import LogRecord, open_event_log
from contracts.settings import Settings
from pipelines.ingest.ingest import ingest
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse
from tests.pipelines.wire import NOW, bought, rows, settings_in, write_events


def paid(message_id: str, currency: str) -> dict[str, Any]:
    event = bought(message_id, "ann", {"cup": 10.0})
    return event | {"properties": event["properties"] | {"currency": currency}}


def accept(settings: Settings, *events: dict[str, Any] | bytes) -> None:
    """As the service does."""
    log = open_event_log(settings.events_url)
    raws = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    log.append([LogRecord(str(place), raw, NOW, "key:shop") for place, raw in enumerate(raws)])
    log.close()


def test_only_live_events_with_a_rate_now_are_read_again_and_leave_the_quarantine(tmp_path: Path) -> None:
    before = settings_in(tmp_path).model_copy(update={"currency": "EUR"})
    accept(before, paid("live", "USD"), paid("other", "SEK"), b"{")
    file = write_events(tmp_path / "events.jsonl", [paid("filed", "USD")])
    first = ingest(before, [file], now=NOW)
    assert first.total.quarantined == {"no_exchange_rate": 3, "malformed_json": 1}
    assert ingest(before, now=NOW).total.received == 0  # nothing has changed

    (tmp_path / "rates.csv").write_text("currency,rate\nUSD,0.5\n")
    after = before.model_copy(update={"exchange_rates": tmp_path / "rates.csv"})
    again = ingest(after, now=NOW)
    assert {name: (n.received, n.stored) for name, n in again.files.items()} == {
        "event log": (0, 0),
        "quarantine": (1, 1),
    }
    assert again.total.adds_up
    warehouse = open_warehouse(after)
    assert rows(views.events(warehouse), c.MESSAGE_ID, c.PRICE, c.SOURCE) == [("live", 5.0, "key:shop")]
    left = [json.loads(raw)["messageId"] for (raw,) in rows(warehouse.quarantine(), c.RAW) if raw != "{"]
    assert sorted(left) == ["filed", "other"]
    assert ingest(after, now=NOW).total.received == 0
