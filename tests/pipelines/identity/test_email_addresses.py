import json
from pathlib import Path
from typing import Any

from contracts.logs.events import LogRecord, open_event_log
from contracts.logs.sources import log_key
from pipelines.identity.email_addresses import ADDRESSES, latest_addresses, refusing_customers
from pipelines.ingest.ingest import ingest
from tests.pipelines.wire import NOW, consent, ingest_events, settings_in, warehouse_in, wire


def identify(message_id: str, at: float, traits: Any, **ids: Any) -> dict[str, Any]:
    return wire(message_id, at, "identify", traits=traits, **ids)


def test_the_latest_address_counts_from_any_id_of_the_customer(tmp_path: Path) -> None:
    ingest_events(
        tmp_path,
        identify("a2", 2, {"email": " new@shop.example "}, userId="ann"),
        identify("a1", 1, {"email": "old@shop.example"}, userId="ann"),
        identify("a3", 3, {"name": "Ann"}, userId="ann"),  # says nothing of it
        identify("b1", 1, {"email": "bob@shop.example"}, userId="bob"),
        identify("b2", 2, {"email": None}, userId="bob"),  # takes it back
        identify("c1", 1, {"email": 5}, userId="cy"),
        identify("d1", 1, {"nested": {"email": "x@shop.example"}}, userId="di"),
        identify("e1", 1, {"email": "e@shop.example"}, anonymousId="device"),  # known to be nobody
        identify("f1", 1, {"email": "f@shop.example"}, anonymousId="phone"),
        wire("f2", 2, anonymousId="phone", userId="fay"),
        identify("g1", 1, {"email": "a@shop.example"}, userId="gus"),
        identify("g2", 1, {"email": "b@shop.example"}, userId="gus"),
    )
    assert latest_addresses(warehouse_in(tmp_path)).to_pylist() == [
        {"customer_id": "ann", "email": "new@shop.example"},
        {"customer_id": "fay", "email": "f@shop.example"},
        {"customer_id": "gus", "email": "b@shop.example"},
    ]


def test_a_page_changes_no_address_that_the_shop_has_told(tmp_path: Path) -> None:
    def record(source: str, event: dict[str, Any]) -> LogRecord:
        return LogRecord(log_key(source, event["messageId"]), json.dumps(event).encode(), NOW, source)

    log = open_event_log(settings_in(tmp_path).events_url)
    log.append(
        [
            record("server:shop", identify("a1", 1, {"email": "ann@shop.example"}, userId="ann")),
            record("api:web", identify("a2", 2, {"email": "eve@evil.example"}, userId="ann")),
            record("api:web", identify("b1", 1, {"email": "old@shop.example"}, userId="bob")),
            record("api:web", identify("b2", 2, {"email": "bob@shop.example"}, userId="bob")),
        ]
    )
    log.close()
    ingest(settings_in(tmp_path), now=NOW)
    found = {row["customer_id"]: row["email"] for row in latest_addresses(warehouse_in(tmp_path)).to_pylist()}
    assert found == {"ann": "ann@shop.example", "bob": "bob@shop.example"}


def test_a_store_without_addresses(tmp_path: Path) -> None:
    assert latest_addresses(warehouse_in(tmp_path)).equals(ADDRESSES.empty_table())
    assert len(refusing_customers(warehouse_in(tmp_path))) == 0


def test_only_a_no_refuses(tmp_path: Path) -> None:
    ingest_events(
        tmp_path,
        wire("a1", 1, userId="ann", context=consent(marketing=True)),
        wire("a2", 2, userId="ann", context=consent(marketing=False)),
        wire("b1", 1, userId="bob", context=consent(marketing=False)),
        wire("b2", 2, userId="bob", context=consent(marketing=True)),
        wire("c1", 1, userId="cy", context=consent(personalization=False)),
    )
    assert refusing_customers(warehouse_in(tmp_path)).to_pylist() == ["ann"]


def test_who_was_two_customers_is_found_under_either_id(tmp_path: Path) -> None:
    ingest_events(
        tmp_path,
        identify("b1", 1, {"email": "bob@shop.example"}, userId="bob"),
        wire("a1", 2, userId="ann", context=consent(marketing=False)),
        identify("c1", 1, {"email": "cy@shop.example"}, userId="cy"),
        identify("d1", 1, {"email": "di@shop.example"}, userId="anonymous:di"),
    )
    before = warehouse_in(tmp_path)
    assert latest_addresses(before)["customer_id"].to_pylist() == ["bob", "cy", "user:anonymous:di"]
    assert refusing_customers(before).to_pylist() == ["ann"]
    ingest_events(tmp_path, wire("x1", 3, "alias", previousId="bob", userId="ann"))
    after = warehouse_in(tmp_path)
    assert latest_addresses(after).to_pylist() == [
        {"customer_id": "ann", "email": "bob@shop.example"},
        {"customer_id": "bob", "email": "bob@shop.example"},
        {"customer_id": "cy", "email": "cy@shop.example"},
        {"customer_id": "user:anonymous:di", "email": "di@shop.example"},
    ]
    assert sorted(refusing_customers(after).to_pylist()) == ["ann", "bob"]
