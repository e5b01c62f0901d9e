import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.errors import InvalidEvent
from contracts.events.parse import MAX_EVENT_BYTES, parse_event
from contracts.events.rules import NO_RULES
from serving.events.envelope import (
    MAX_BATCH_EVENTS,
    Envelope,
    Incoming,
    Shared,
    open_envelope,
    prepare,
    shared_by,
    single_envelope,
    write_key,
)
from serving.http.body import MAX_EVENTS_BYTES
from serving.http.problems import Problem

NOW = datetime(2025, 6, 1, tzinfo=UTC)
SOURCE = "api:web"
VIEW = {
    "type": "track",
    "messageId": "m1",
    "anonymousId": "visitor-1",
    "event": "Product Viewed",
    "properties": {"product_id": "tea-1"},
}


def prepared(event: dict[str, Any], default_type: str | None = None, context: Any = None) -> Incoming:
    return prepare(json.dumps(event).encode(), Shared(default_type, context, b""), NOW, SOURCE, NO_RULES)


def shared_context(envelope: Envelope) -> Any:
    return shared_by(envelope, None, has_objection=False).context


def prepared_raw(raw: bytes, source: str = SOURCE) -> Incoming:
    return prepare(raw, Shared(None, None, b""), NOW, source, NO_RULES)


def test_an_event_that_is_complete_keeps_its_bytes() -> None:
    raw = b'{ "type":"track", "messageId":"m1","anonymousId":"a", "event":"Product Viewed","properties":{"sku":"s"}}'
    incoming = prepared_raw(raw)
    assert incoming.payload is raw
    assert (incoming.key, incoming.problem) == ("api:m1", None)


def test_a_page_cannot_take_the_key_of_a_servers_event() -> None:
    keys = {prepared_raw(json.dumps(VIEW).encode(), source).key for source in (SOURCE, "server:shop")}
    assert keys == {"api:m1", "server:m1"}
    assert prepared(VIEW | {"messageId": "server:m1"}).key == "api:server:m1"


@pytest.mark.parametrize("message_id", [None, ""])
def test_an_event_without_an_id_gets_one(message_id: str | None) -> None:
    first, second = (prepared(VIEW | {"messageId": message_id}) for _ in range(2))
    assert first.key == f"api:{json.loads(first.payload)['messageId']}" != second.key


def test_the_paths_type_counts_unless_the_event_has_one() -> None:
    untyped = {name: value for name, value in VIEW.items() if name != "type"}
    assert json.loads(prepared(untyped, "track").payload)["type"] == "track"
    assert json.loads(prepared(VIEW, "page").payload)["type"] == "track"


def test_the_batchs_context_is_merged_and_the_events_own_wins() -> None:
    shared = {"consent": {"categoryPreferences": {"marketing": False}}, "page": {"path": "/shared"}}
    own = {"page": {"path": "/own"}, "device": {"type": "phone"}}
    payload = json.loads(prepared(VIEW | {"context": own}, context=shared).payload)
    assert payload["context"] == {"consent": shared["consent"], "page": {"path": "/own"}, "device": {"type": "phone"}}


def test_of_refused_analytics_only_the_refusal_is_kept() -> None:
    refused = {"consent": {"categoryPreferences": {"analytics": False, "advertising": True}}}
    event = VIEW | {"userId": "u", "timestamp": "2025-05-01T10:00:00+02:00", "context": {"ip": "192.0.2.7"}}
    incoming = prepared(event, context=refused)
    assert incoming.is_suppressed
    for removed in (b"tea-1", b"Product Viewed", b"192.0.2.7"):
        assert removed not in incoming.payload
    again = parse_event(incoming.payload, NOW)
    assert again.is_suppressed
    assert again.consent == (False, None, True)
    assert (again.user_id, again.anonymous_id) == ("u", "visitor-1")
    assert again.occurred_at == datetime(2025, 5, 1, 8, tzinfo=UTC)


def test_a_refusal_in_an_event_that_is_refused_is_all_that_is_kept_of_it() -> None:
    refused = {"consent": {"categoryPreferences": {"Analytics": False}}}
    incoming = prepared(VIEW | {"event": "Segment Consent Preference Updated"}, context=refused)
    assert (incoming.is_suppressed, incoming.problem) == (True, None)
    assert b"tea-1" not in incoming.payload
    assert parse_event(incoming.payload, NOW).is_suppressed


def test_consent_in_an_event_that_is_refused_counts() -> None:
    incoming = prepared(VIEW | {"event": "Nonsense"}, context={"consent": {"marketing": False}})
    assert incoming.problem is not None
    assert incoming.event is not None
    assert incoming.event.consent == (None, None, False)


def test_the_batchs_time_of_sending_corrects_the_clock_of_its_events() -> None:
    ahead = {**VIEW, "originalTimestamp": "2025-06-04T10:00:00Z"}
    shared = Shared(None, None, b'"2025-06-04T10:00:02Z"')
    for event in (ahead, ahead | {"messageId": ""}, ahead | {"sentAt": None}):
        incoming = prepare(json.dumps(event).encode(), shared, NOW, SOURCE, NO_RULES)
        assert incoming.event is not None
        assert incoming.event.occurred_at == NOW - timedelta(seconds=2)


def test_a_browsers_objection_refuses_marketing() -> None:
    shared = shared_by(open_envelope(b'{"batch": []}'), None, has_objection=True)
    event = prepare(json.dumps(VIEW).encode(), shared, NOW, SOURCE, NO_RULES).event
    assert event is not None
    assert event.consent == (None, None, False)


def test_a_bad_event_is_kept_under_a_key_of_its_content() -> None:
    bad = prepared(VIEW | {"event": "Nonsense"})
    assert bad.problem is not None
    assert bad.problem.code == "unknown_event"
    assert bad.key.startswith("invalid:")  # the repaired event may come under the same message id
    assert prepared(VIEW | {"event": "Nonsense"}).key == bad.key != prepared(VIEW | {"event": "Other"}).key
    assert prepared_raw(b"5").payload == b"5"


def test_a_bad_event_is_the_same_when_its_batch_is_sent_again() -> None:
    def key(event: dict[str, Any], sent_at: bytes) -> str:
        return prepare(json.dumps(event).encode(), Shared(None, None, sent_at), NOW, SOURCE, NO_RULES).key

    bad = VIEW | {"event": "Nonsense"}
    assert key(bad, b'"2025-06-01T00:00:00Z"') == key(bad, b'"2025-06-01T00:00:09Z"')
    assert key(bad, b'"2025-06-01T00:00:00Z"') != key(bad | {"messageId": "m2"}, b'"2025-06-01T00:00:00Z"')
    without_id = {name: value for name, value in bad.items() if name != "messageId"}
    assert key(without_id, b"") != key(without_id, b"")  # nothing says that it is the same


def test_the_write_key_is_read_and_removed() -> None:
    event = VIEW | {"writeKey": "sk_secret"}
    assert write_key(json.dumps(event).encode()) == "sk_secret"
    assert b"sk_secret" not in prepared(event).payload
    inside = VIEW | {
        "properties": {"product_id": "tea-1", "writeKey": "sk_secret", "more": [{"writeKey": "sk_secret"}]}
    }
    assert prepared(inside).problem is None
    assert b"sk_secret" not in prepared(inside).payload
    shared = shared_context(open_envelope(b'{"batch": [], "context": {"a": {"writeKey": "sk_secret"}}}'))
    assert b"sk_secret" not in prepared(VIEW, context=shared).payload
    long = event | {"padding": "x" * MAX_EVENT_BYTES}
    deep = json.dumps(event).replace('"tea-1"', "[" * 300 + "]" * 300)
    broken = json.dumps(inside)[:-1] + ', "a": nothing}'
    for raw in (json.dumps(long), deep, broken):
        assert b"sk_secret" not in prepared_raw(raw.encode()).payload
    for body in (b"", b"[]", b"\xff", b'{"writeKey": 5}'):
        assert write_key(body) is None


def test_a_batch_has_its_events_and_its_context() -> None:
    envelope = open_envelope(b'{"batch": [{"a": 1}, 5], "context": {"ip": "x"}, "sentAt": "now"}')
    assert [bytes(raw) for raw in envelope.batch] == [b'{"a": 1}', b"5"]
    assert shared_context(envelope) == {"ip": "x"}
    assert shared_context(open_envelope(b'{"batch": [], "context": []}')) is None
    assert len(single_envelope(b'{"event": "x"}').batch) == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed-json"),
        (b"{", "malformed-json"),
        (b"\xff\xfe", "malformed-json"),
        (b'{"batch": [{]}', "malformed-json"),
        (b"[]", "unexpected-json"),
        (b'{"events": []}', "unexpected-json"),
        (b'{"batch": {}}', "unexpected-json"),
        (b'{"batch": ' + b"[" * 100_000, "too-deep"),
        (b'{"batch": [' + b"1," * MAX_BATCH_EVENTS + b"1]}", "too-many-events"),
        (b'{"batch": [1,1], "context": {"a": "' + b"x" * (MAX_EVENTS_BYTES // 2) + b'"}}', "context-too-large"),
        (b'{"batch": [1], "context": ' + b"[" * 500 + b"]" * 500 + b"}", "too-deep"),
    ],
)
def test_a_body_that_is_no_batch_is_refused(body: bytes, code: str) -> None:
    with pytest.raises(Problem) as raised:
        open_envelope(body)
    assert raised.value.code == code
    assert raised.value.status == (413 if code in {"too-many-events", "context-too-large"} else 400)


@pytest.mark.parametrize(
    ("event", "context", "code"),
    [
        (VIEW | {"padding": "x" * 100_000}, None, "too_large"),
        (VIEW | {"padding": "x" * 20_000}, {"padding": "x" * 20_000}, "too_large"),  # only together
        (VIEW, json.loads("[" * 31 + "]" * 31), "too_deep"),  # only inside the event
        (VIEW | {"context": json.loads('{"a":' * 500 + "1" + "}" * 500)}, {"a": {}}, "too_deep"),
    ],
)
def test_of_an_event_beyond_the_bounds_only_the_beginning_is_kept(event: Any, context: Any, code: str) -> None:
    incoming = prepared(event, context={"shared": context} if context else None)
    assert incoming.problem is not None
    assert incoming.problem.code == code
    assert len(incoming.payload) <= MAX_EVENT_BYTES + 1
    with pytest.raises(InvalidEvent) as raised:  # ingest quarantines it for the same reason
        parse_event(incoming.payload, NOW)
    assert raised.value.code == code


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("messageId", "anonymousId", "userId", "event", "properties", "context", "timestamp", "writeKey")
types = st.sampled_from(["track", "identify", "page", "alias", "group", None, 5])
event_like = st.fixed_dictionaries({}, optional={**dict.fromkeys(FIELDS, anything), "type": types})
bodies = (
    st.binary(max_size=200)
    | anything.map(lambda value: json.dumps(value).encode())
    | st.fixed_dictionaries({"batch": st.lists(event_like | anything, max_size=5)}, optional={"context": anything}).map(
        lambda value: json.dumps(value).encode()
    )
    | event_like.map(lambda value: json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass"))
)


@settings(max_examples=100, deadline=None)
@given(body=bodies, is_batch=st.booleans())
def test_every_body_is_refused_or_every_event_of_it_is_prepared(body: bytes, is_batch: bool) -> None:
    status = 200
    try:
        envelope = open_envelope(body) if is_batch else single_envelope(body)
    except Problem as problem:
        status, envelope = problem.status, Envelope([])
    assert status in {200, 400}
    for raw in envelope.batch:
        shared = shared_by(envelope, None if is_batch else "track", has_objection=False)
        incoming = prepare(bytes(raw), shared, NOW, SOURCE, NO_RULES)
        assert incoming.event is not None or incoming.problem is not None
        assert incoming.key
