import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events.parse import MAX_EVENT_BYTES, parse_event
from contracts.logs.events import StoredRecord, open_event_log
from serving.events.envelope import MAX_BATCH_EVENTS
from serving.routes.events import SINGLE_TYPES
from tests.serving.conftest import Shop
from tests.serving.events.test_envelope import bodies

_numbers = count()


@pytest.fixture(scope="module")
def sender(shop: Shop) -> Iterator[httpx.Client]:
    with shop.client("events") as client:
        yield client


def view(**more: Any) -> dict[str, Any]:
    event = {
        "type": "track",
        "messageId": f"message-{next(_numbers)}",
        "anonymousId": "visitor-1",
        "event": "Product Viewed",
        "properties": {"product_id": "tea-1"},
    }
    return event | more


def stored(shop: Shop, message_id: str | None = None) -> list[StoredRecord]:
    log = open_event_log(shop.settings.events_url)
    records = log.read(0, 1_000_000)
    log.close()
    return [found for found in records if message_id is None or found.record.key == f"api:{message_id}"]


def test_a_batch_is_in_the_log_when_it_is_answered(shop: Shop, sender: httpx.Client) -> None:
    events = [view(), view()]
    sent_at = "2025-01-01T00:00:00Z"
    answer = sender.post("/v1/batch", json={"batch": events, "sentAt": sent_at})
    counts = {"accepted": 2, "duplicates": 0, "quarantined": 0, "suppressed": 0}
    assert answer.json() == {"success": True, **counts, "events": []}
    record = stored(shop, events[0]["messageId"])[0].record
    assert json.loads(record.payload) == events[0] | {"sentAt": sent_at}
    assert record.source == "api:events"
    assert abs((datetime.now(UTC) - record.received_at).total_seconds()) < 60


def test_an_import_keeps_the_times_of_its_events(shop: Shop, sender: httpx.Client) -> None:
    happened = datetime(2025, 3, 1, 8, tzinfo=UTC)
    for path, expected in (("import", happened), ("batch", None)):
        event = view(timestamp=happened.isoformat(), sentAt="2025-03-01T08:00:00Z")
        assert sender.post(f"/v1/{path}", json={"batch": [event], "sentAt": "x"}).json()["accepted"] == 1
        record = stored(shop, event["messageId"])[0].record
        occurred_at = parse_event(record.payload, record.received_at).occurred_at
        assert occurred_at == (expected or record.received_at)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("track", {"event": "Order Completed", "properties": {"order_id": "o1", "products": [{"sku": "a"}]}}),
        ("identify", {"userId": "u1", "traits": {"plan": "gold"}}),
        ("page", {"name": "Home"}),
        ("screen", {"name": "Home"}),
        ("alias", {"previousId": "visitor-1", "userId": "u1"}),
        ("p", {"name": "Home"}),
        ("i", {"userId": "u1"}),
    ],
)
def test_the_path_says_the_type_and_ingest_can_read_it(
    shop: Shop, sender: httpx.Client, kind: str, fields: dict[str, Any]
) -> None:
    message_id = f"{kind}-{next(_numbers)}"
    answer = sender.post(f"/v1/{kind}", json={"messageId": message_id, "anonymousId": "visitor-1", **fields})
    assert answer.json()["accepted"] == 1
    record = stored(shop, message_id)[0].record
    assert json.loads(record.payload)["type"] == SINGLE_TYPES[kind]
    assert parse_event(record.payload, record.received_at).message_id == message_id


def test_strict_says_of_every_event_what_became_of_it(sender: httpx.Client) -> None:
    good = view()
    events = [
        good,
        good,
        view(properties={"product_id": "tea-1", "price": "1,50 €"}),
        view(event="Danced"),
        view(context={"consent": {"categoryPreferences": {"analytics": False}}}),
        {"type": "group", "messageId": f"group-{next(_numbers)}", "anonymousId": "visitor-1"},
    ]
    found = sender.post("/v1/batch?strict=1", json={"batch": events}).json()["events"]
    outcomes = ["accepted", "duplicate", "accepted", "quarantined", "suppressed", "quarantined"]
    assert [event["outcome"] for event in found] == outcomes
    assert [event["index"] for event in found] == [0, 1, 2, 3, 4, 5]
    assert found[2]["repaired"] == ["properties.price"]
    assert [found[place]["code"] for place in (3, 5)] == ["unknown_event", "unused_type"]


def test_what_a_browser_says_of_global_privacy_control_counts_for_pages(shop: Shop, sender: httpx.Client) -> None:
    event = view()
    sender.post("/v1/t", json=event, headers={"Sec-GPC": "1"})
    record = stored(shop, event["messageId"])[0].record
    assert parse_event(record.payload, record.received_at).consent == (None, None, False)


def test_gzip_is_recognised_without_a_header(shop: Shop, sender: httpx.Client) -> None:
    event = view()
    answer = sender.post("/v1/b", content=gzip.compress(json.dumps({"batch": [event]}).encode()))
    assert answer.json()["accepted"] == 1
    assert stored(shop, event["messageId"])


def test_a_repeat_is_counted_and_stored_once(shop: Shop, sender: httpx.Client) -> None:
    event = view()
    answer = sender.post("/v1/batch", json={"batch": [event, event]}).json()
    assert (answer["accepted"], answer["duplicates"]) == (1, 1)
    assert sender.post("/v1/track", json=event).json()["duplicates"] == 1
    assert len(stored(shop, event["messageId"])) == 1


def test_a_page_key_cannot_claim_the_message_id_of_a_servers_event(shop: Shop, sender: httpx.Client) -> None:
    claimed = f"order-{next(_numbers)}"
    order = {"order_id": claimed, "products": [{"product_id": "tea-1", "price": 100}]}
    assert sender.post("/v1/page", json={"messageId": claimed, "anonymousId": "mallory"}).json()["accepted"] == 1
    with shop.client("server") as server:
        event = {"messageId": claimed, "userId": "bob", "event": "Order Completed", "properties": order}
        assert server.post("/v1/track", json=event).json()["accepted"] == 1
        assert server.post("/v1/track", json=event).json()["duplicates"] == 1
    (record,) = [found.record for found in stored(shop) if found.record.key == f"server:{claimed}"]
    assert record.source == "server:server"
    assert json.loads(record.payload)["userId"] == "bob"


def test_a_context_that_makes_events_too_large_is_not_multiplied(shop: Shop, sender: httpx.Client) -> None:
    before = sum(len(found.record.payload) for found in stored(shop))
    body = json.dumps({"batch": [{}] * MAX_BATCH_EVENTS, "context": {"a": "x" * 150_000}}).encode()
    headers = {"content-encoding": "gzip"}
    answer = sender.post("/v1/batch", content=gzip.compress(body), headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:shopkeeper:problem:context-too-large")
    few = json.dumps({"batch": [view() for _ in range(20)], "context": {"a": "x" * 150_000}})
    assert sender.post("/v1/batch", content=few).json()["quarantined"] == 20
    assert sum(len(found.record.payload) for found in stored(shop)) - before <= 20 * (MAX_EVENT_BYTES + 1)


@pytest.mark.parametrize("depth", [40, 700, 5000])
def test_of_deeply_nested_json_nothing_is_an_error_of_ours(sender: httpx.Client, depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    good, bad = json.dumps(view()), json.dumps(view(context="DEEP")).replace('"DEEP"', deep)
    answer = sender.post("/v1/batch", content=f'{{"batch": [{good}, {bad}], "context": {{"b": 1}}}}')
    if depth < 900:
        assert (answer.json()["accepted"], answer.json()["quarantined"]) == (1, 1)
        assert answer.json()["events"][0]["code"] == "too_deep"
    else:  # the body as a whole cannot be read
        assert (answer.status_code, answer.json()["type"]) == (400, "urn:shopkeeper:problem:too-deep")
    shared = sender.post("/v1/batch", content=f'{{"batch": [{json.dumps(view())}], "context": {deep}}}')
    assert (shared.status_code, shared.json()["type"]) == (400, "urn:shopkeeper:problem:too-deep")


def test_a_bad_event_is_kept_aside_and_stops_nobody(shop: Shop, sender: httpx.Client) -> None:
    good, bad = view(), view(event="Nonsense Happened")
    answer = sender.post("/v1/batch", json={"batch": [bad, good, 5, None, "text", []]}).json()
    assert (answer["accepted"], answer["quarantined"]) == (1, 5)
    assert [problem["index"] for problem in answer["events"]] == [0, 2, 3, 4, 5]
    assert answer["events"][0]["code"] == "unknown_event"
    assert json.dumps(bad["messageId"]).encode() in b"".join(found.record.payload for found in stored(shop))


def test_events_of_who_refuses_analytics_are_counted_and_not_kept(shop: Shop, sender: httpx.Client) -> None:
    refused = {"consent": {"categoryPreferences": {"analytics": False}}}
    event = view(userId="refuser")
    answer = sender.post("/v1/batch", json={"batch": [event, event], "context": refused}).json()
    assert (answer["accepted"], answer["duplicates"], answer["suppressed"]) == (0, 1, 1)
    assert b"tea-1" not in stored(shop, event["messageId"])[0].record.payload


def test_a_compressed_body_of_any_content_type_is_taken(sender: httpx.Client) -> None:
    body = gzip.compress(json.dumps({"batch": [view()]}).encode())
    headers = {"content-encoding": "gzip", "content-type": "application/x-www-form-urlencoded"}
    assert sender.post("/v1/batch", content=body, headers=headers).json()["accepted"] == 1


def test_the_write_key_never_reaches_the_disk(shop: Shop) -> None:
    key = shop.keys["events"]
    event = view(writeKey=key)
    assert httpx.post(f"{shop.url}/v1/track", json=event, verify=False).json()["accepted"] == 1
    in_batch = {"batch": [view(writeKey=key)], "writeKey": key}
    assert httpx.post(f"{shop.url}/v1/batch", json=in_batch, verify=False).json()["accepted"] == 1
    deep = json.dumps(view(writeKey=key, context={"a": 0})).replace('"a": 0', '"a": ' + "[" * 300 + "]" * 300)
    assert httpx.post(f"{shop.url}/v1/track", content=deep, verify=False).status_code == 200
    assert key.encode() not in b"".join(found.record.payload for found in stored(shop))


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"{", None, 400),
        (b'{"batch": [' + b"1," * MAX_BATCH_EVENTS + b"1]}", None, 413),
        (b" " * (4 * 1024 * 1024 + 1), None, 413),
        (b'{"batch": []}', "gzip", 400),
        (b'{"batch": []}', "br", 415),
    ],
)
def test_bodies_that_no_retry_would_repair(
    sender: httpx.Client, body: bytes, encoding: str | None, status: int
) -> None:
    headers = {"content-encoding": encoding} if encoding else {}
    answer = sender.post("/v1/batch", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_full_batch_is_taken(sender: httpx.Client) -> None:
    answer = sender.post("/v1/batch", json={"batch": [view() for _ in range(MAX_BATCH_EVENTS)]})
    assert answer.json()["accepted"] == MAX_BATCH_EVENTS


@settings(max_examples=20, deadline=None)
@given(body=bodies, path=st.sampled_from(["batch", "track", "identify", "page", "screen", "alias"]))
def test_no_body_is_an_error_of_ours_and_every_event_is_counted(shop: Shop, body: bytes, path: str) -> None:
    answer = _client(shop).post(f"/v1/{path}", content=body)
    assert answer.status_code in {200, 400}
    if answer.status_code == 200:
        counted = answer.json()
        total = sum(counted[name] for name in ("accepted", "duplicates", "quarantined", "suppressed"))
        assert total == (len(json.loads(body, strict=False)["batch"]) if path == "batch" else 1)


_clients: dict[str, httpx.Client] = {}


def _client(shop: Shop) -> httpx.Client:
    return _clients.setdefault(shop.url, shop.client("events"))


@pytest.fixture(autouse=True, scope="module")
def _close_clients() -> Iterator[None]:
    yield
    for client in _clients.values():
        client.close()
    _clients.clear()
