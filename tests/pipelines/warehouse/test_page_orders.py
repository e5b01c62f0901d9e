"""Whose orders count, on stores where a page has told more than the shop."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts import columns as c
from contracts.logs.events import LogRecord, open_event_log
from contracts.logs.sources import log_key
from contracts.settings import PageOrders, Settings, load_settings
from pipelines.ingest.ingest import ingest
from pipelines.warehouse import views
from pipelines.warehouse.warehouse import open_warehouse
from tests.pipelines.wire import NOW, bought, track

PAGE, SERVER = "api:web", "server:shop"


def store(
    home: Path, *told: tuple[str, dict[str, Any]], page_orders: PageOrders = "auto"
) -> tuple[Settings, list[str]]:
    """Ingest events of these sources; the settings, and the notes of the report."""
    settings = load_settings(home=home, threads=1, page_orders=page_orders)
    log = open_event_log(settings.events_url)
    records = [
        LogRecord(log_key(source, event["messageId"]), json.dumps(event).encode(), NOW, source)
        for source, event in told
    ]
    log.append(records)
    log.close()
    return settings, ingest(settings, now=NOW).notes


def counted(settings: Settings) -> set[tuple[str, str | None]]:
    """Source and order of the lines that count."""
    lines = views.events(open_warehouse(settings)).select(c.SOURCE, c.ORDER_ID).to_pyarrow().to_pylist()
    return {(line[c.SOURCE], line[c.ORDER_ID]) for line in lines}


def refund(message_id: str, order_id: str) -> dict[str, Any]:
    return track(message_id, "Order Refunded", userId="eve", properties={"order_id": order_id, "revenue": 5})


REAL = bought("real", "ann", {"tea": 5.0})
FORGED = bought("forged", "eve", {"tea": 5.0})
VIEW = track("view", "Product Viewed", userId="eve", properties={"product_id": "tea"})


def test_orders_of_a_page_alone_do_not_count_beside_those_of_the_server(tmp_path: Path) -> None:
    told = [(SERVER, REAL), (PAGE, REAL | {"messageId": "page"}), (PAGE, FORGED), (PAGE, VIEW)]
    settings, notes = store(tmp_path, *told, (PAGE, refund("r1", "order-real")), (PAGE, refund("r2", "unheard-of")))
    assert counted(settings) == {(SERVER, "order-real"), (PAGE, "order-real"), (PAGE, None)}
    assert len(notes) == 1
    assert notes[0].startswith("2 orders that only a page key has told")


def test_they_count_once_the_server_has_told_them(tmp_path: Path) -> None:
    settings, _ = store(tmp_path, (SERVER, REAL), (PAGE, FORGED))
    assert counted(settings) == {(SERVER, "order-real")}
    settings, notes = store(tmp_path, (SERVER, FORGED | {"messageId": "confirmed"}))
    assert counted(settings) == {(SERVER, "order-real"), (SERVER, "order-forged"), (PAGE, "order-forged")}
    assert notes == []


def test_a_store_whose_page_alone_tells_orders_counts_them(tmp_path: Path) -> None:
    settings, notes = store(tmp_path, (PAGE, FORGED), (SERVER, VIEW))
    assert counted(settings) == {(PAGE, "order-forged"), (SERVER, None)}
    assert notes == []


@pytest.mark.parametrize(("page_orders", "expected"), [("accepted", {(PAGE, "order-forged")}), ("confirmed", set())])
def test_the_setting_decides_otherwise(tmp_path: Path, page_orders: PageOrders, expected: set[Any]) -> None:
    told = [(PAGE, FORGED)] if page_orders == "confirmed" else [(PAGE, FORGED), (SERVER, REAL)]
    settings, notes = store(tmp_path, *told, page_orders=page_orders)
    assert counted(settings) - {(SERVER, "order-real")} == expected
    assert bool(notes) is (page_orders == "confirmed")
