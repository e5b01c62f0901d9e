"""Events in the wire format, and a call of ingest on them, as short as tests need them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from contracts.settings import Settings, load_settings
from pipelines.ingest.ingest import ingest
from pipelines.ingest.report import IngestReport
from pipelines.warehouse.warehouse import Warehouse, open_warehouse

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
NOW = datetime(2025, 6, 1, tzinfo=UTC)


def wire(message_id: str, at: float = 0.0, type: str = "page", **more: Any) -> dict[str, Any]:
    """One event, `at` days after the start."""
    moment = (START + timedelta(days=at)).isoformat()
    return {"type": type, "messageId": message_id, "timestamp": moment, **more}


def track(message_id: str, event: str, at: float = 0.0, **more: Any) -> dict[str, Any]:
    """One track event; `properties` and ids as they are given."""
    return wire(message_id, at, "track", event=event, **more)


def bought(message_id: str, user_id: str, items: dict[str, float], at: float = 0.0, **more: Any) -> dict[str, Any]:
    """One completed order; `items` maps item to price."""
    products = [{"product_id": item, "price": price, "quantity": 1} for item, price in items.items()]
    properties = {"order_id": f"order-{message_id}", "products": products}
    return track(message_id, "Order Completed", at, userId=user_id, properties=properties, **more)


def consent(**purposes: bool) -> dict[str, Any]:
    """A context that says yes or no to purposes."""
    return {"consent": {"categoryPreferences": purposes}}


def write_events(path: Path, events: Iterable[dict[str, Any] | bytes]) -> Path:
    """JSON lines; bytes are written as they are."""
    lines = [event if isinstance(event, bytes) else json.dumps(event).encode() for event in events]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def settings_in(home: Path) -> Settings:
    return load_settings(home=home, threads=1)


def ingest_events(home: Path, *events: dict[str, Any] | bytes, now: datetime = NOW) -> IngestReport:
    """Ingest those events into the home's warehouse."""
    home.mkdir(parents=True, exist_ok=True)
    return ingest(settings_in(home), [write_events(home / "events.jsonl", events)], now=now)


def warehouse_in(home: Path) -> Warehouse:
    return open_warehouse(settings_in(home))


def rows(table: Any, *names: str) -> list[tuple[Any, ...]]:
    """A table's rows, sorted by their text."""
    found = table.select(*names) if names else table
    return sorted((tuple(row.values()) for row in found.to_pyarrow().to_pylist()), key=repr)
