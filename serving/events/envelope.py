"""From a request of Segment's HTTP API to the events that are stored: one complete JSON object each.

Bytes that need no change are kept. Added are the type that the path implies, the batch's context, and a message id.
Removed is the write key, which must not reach a disk. Of a person who refuses analytics, only the refusal is kept; of
an event that is too large, only the beginning. Sizes and depths are checked before anything is merged.
"""

import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final
from uuid import uuid4

import msgspec
import orjson

from contracts.errors import InvalidEvent
from contracts.events.parse import MAX_EVENT_BYTES, Event, parse_event
from contracts.events.refusal import consent_of_refused
from contracts.events.rules import EventRules
from contracts.logs.sources import log_key
from contracts.validation.bounds import MAX_DEPTH, is_too_deep
from serving.http.body import MAX_EVENTS_BYTES
from serving.http.problems import Problem

MAX_BATCH_EVENTS: Final = 2_500
_WRITE_KEY: Final = re.compile(rb'"writeKey"\s*:\s*"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_BLANK: Final = frozenset({b"", b"null", b'""'})


class Envelope(msgspec.Struct, frozen=True, rename="camel"):
    """The body of POST /v1/batch; its events are not parsed yet."""

    batch: list[msgspec.Raw]
    context: msgspec.Raw = msgspec.Raw(b"")
    sent_at: msgspec.Raw = msgspec.Raw(b"")
    write_key: Any = None


class _Head(msgspec.Struct, frozen=True, rename="camel"):
    """The fields of an event that decide whether its bytes can be kept."""

    type: msgspec.Raw = msgspec.Raw(b"")
    message_id: msgspec.Raw = msgspec.Raw(b"")
    sent_at: msgspec.Raw = msgspec.Raw(b"")
    write_key: msgspec.Raw = msgspec.Raw(b"")


@dataclass(frozen=True)
class Shared:
    """What all events of a request share, and an event may state for itself."""

    type: str | None  # that the path implies
    context: dict[str, Any] | None
    sent_at: bytes  # JSON; empty where the batch does not state it
    is_import: bool = False  # events of the past: their times hold, whenever they are sent


@dataclass(frozen=True)
class Incoming:
    """One event to be stored. `problem` says why ingest will quarantine it; then `event` has only its consent."""

    key: str  # by which the event log finds duplicates
    payload: bytes
    event: Event | None = None
    problem: InvalidEvent | None = None
    is_suppressed: bool = False


def open_envelope(body: bytes) -> Envelope:
    """Decode a batch; raises Problem 400 if it is not one, 413 if it is too large with its context in each event."""
    envelope: Envelope = _decode(body, _decode_envelope, 'a JSON object such as {"batch": [{"type": "track", ...}]}')
    if len(envelope.batch) > MAX_BATCH_EVENTS:
        detail = f"The batch has {len(envelope.batch):,} events; at most {MAX_BATCH_EVENTS:,} are allowed. Split it."
        raise Problem(413, "too-many-events", detail)
    merged = len(bytes(envelope.context)) * len(envelope.batch)
    if merged > MAX_EVENTS_BYTES:
        detail = (
            f"The batch's context has {len(bytes(envelope.context)):,} bytes. In each of its {len(envelope.batch):,} "
            f"events that is {merged:,} bytes; at most {MAX_EVENTS_BYTES:,} are allowed. Split the batch."
        )
        raise Problem(413, "context-too-large", detail)
    if is_too_deep(bytes(envelope.context)):
        raise Problem(400, "too-deep", f"The batch's context is nested more than {MAX_DEPTH} deep. Send a flatter one.")
    return envelope


def single_envelope(body: bytes) -> Envelope:
    """A body that is one event, as a batch of one; raises Problem 400 if it is not a JSON object."""
    head = _decode(body, _decode_head, 'a JSON object such as {"anonymousId": "a1", "event": "Product Viewed", ...}')
    return Envelope([msgspec.Raw(body)], write_key=_text(head.write_key))


def write_key(body: bytes) -> str | None:
    """The body's write key; None if it has none or cannot be parsed."""
    try:
        return _text(_decode_head(body).write_key)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def shared_by(envelope: Envelope, default_type: str | None, *, has_objection: bool, is_import: bool = False) -> Shared:
    """What the events of a batch share; `has_objection`: the browser sent `Sec-GPC: 1`."""
    try:
        context = orjson.loads(_without_write_keys(bytes(envelope.context)) or b"null")
    except orjson.JSONDecodeError:
        context = None
    if not isinstance(context, dict):
        context = {}
    if has_objection:
        context["globalPrivacyControl"] = True
    sent_at = b"" if is_import else bytes(envelope.sent_at)
    return Shared(default_type, context or None, b"" if sent_at in _BLANK else sent_at, is_import)


def prepare(raw: bytes, shared: Shared, received_at: datetime, source: str, rules: EventRules) -> Incoming:
    """One event of a batch, completed and checked. No event is dropped here."""
    payload = _completed(_without_write_keys(raw), shared)
    try:
        event = parse_event(payload, received_at, rules)
    except InvalidEvent as problem:
        statement = consent_of_refused(payload, received_at, rules)
        if statement is not None and statement.is_suppressed:
            return Incoming(log_key(source, statement.message_id), _refusal(statement), statement, is_suppressed=True)
        # Not its message id: the sender may repair the event and send it again under the same one.
        key = f"invalid:{_content_hash(payload, shared)}"
        kept = payload[: MAX_EVENT_BYTES + 1]  # one byte more: ingest says too large, too
        return Incoming(key, kept, statement, problem)
    key = log_key(source, event.message_id)
    if event.is_suppressed:
        return Incoming(key, _refusal(event), event, is_suppressed=True)
    return Incoming(key, payload, event)


_decode_envelope: Final = msgspec.json.Decoder(Envelope).decode
_decode_head: Final = msgspec.json.Decoder(_Head).decode


def _decode(body: bytes, decoder: Any, expected: str) -> Any:
    try:
        return decoder(body)
    except msgspec.ValidationError as error:
        detail = f"The body is JSON, but not what is expected here ({error}). Send {expected}."
        raise Problem(400, "unexpected-json", detail) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Problem(400, "malformed-json", f"The body is not JSON ({error}). Send {expected}.") from None
    except RecursionError:
        raise Problem(400, "too-deep", f"The JSON is nested too deeply. Send {expected}.") from None


def _text(raw: msgspec.Raw) -> str | None:
    try:
        value = orjson.loads(bytes(raw) or b"null")
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, str) else None


def _content_hash(payload: bytes, shared: Shared) -> str:
    """Of the event without the time of sending that its batch added: that differs when the batch is sent again."""
    content = payload
    if shared.sent_at and len(payload) <= MAX_EVENT_BYTES and not is_too_deep(payload):
        with suppress(orjson.JSONDecodeError):
            event = orjson.loads(payload)
            if isinstance(event, dict):
                event.pop("sentAt", None)
                content = orjson.dumps(event)
    return blake2b(content, digest_size=16).hexdigest()


def _without_write_keys(raw: bytes) -> bytes:
    """The JSON with blank write keys, at every depth; also JSON that is broken or too large to be parsed."""
    return _WRITE_KEY.sub(b'"writeKey":""', raw) if b"writeKey" in raw else raw


def _completed(raw: bytes, shared: Shared) -> bytes:
    if len(raw) > MAX_EVENT_BYTES or is_too_deep(raw):
        return raw  # refused as it is
    try:
        head = _decode_head(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return raw  # not an object; ingest reports it
    has_type = bytes(head.type) not in _BLANK or shared.type is None
    is_sent = bytes(head.sent_at) not in _BLANK
    has_time = not is_sent if shared.is_import else is_sent or not shared.sent_at
    if has_type and shared.context is None and bytes(head.message_id) not in _BLANK and not bytes(head.write_key):
        if has_time:
            return raw
        if not shared.is_import:  # most events of a batch lack nothing else: its time goes before the closing brace
            return b'%b,"sentAt":%b}' % (raw.rstrip()[:-1], shared.sent_at)
    try:
        return orjson.dumps(_completed_object(orjson.loads(raw), shared, has_time=has_time))
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return raw  # broken inside: kept for the quarantine


def _completed_object(event: dict[str, Any], shared: Shared, *, has_time: bool) -> dict[str, Any]:
    event.pop("writeKey", None)
    if shared.type is not None:
        event["type"] = event.get("type") or shared.type
    if shared.is_import:
        event.pop("sentAt", None)
    elif not has_time:
        event["sentAt"] = orjson.loads(shared.sent_at)
    event["messageId"] = event.get("messageId") or str(uuid4())
    if shared.context is not None:
        event["context"] = _merged(shared.context, event.get("context") or {})
    return event


def _refusal(event: Event) -> bytes:
    """What is stored of a person who refuses analytics: the ids, the time and the refusal, which ingest needs."""
    stated = zip(("analytics", "personalization", "marketing"), event.consent, strict=True)
    refusal = {
        "type": "identify",
        "messageId": event.message_id,
        "userId": event.user_id,
        "anonymousId": event.anonymous_id,
        "timestamp": event.occurred_at,
        "context": {"consent": {"categoryPreferences": {name: flag for name, flag in stated if flag is not None}}},
    }
    return orjson.dumps(refusal)


def _merged(shared: Any, own: Any) -> Any:
    """`own` wins; objects are merged field by field, so that a batch's consent is not lost to an event's page."""
    if not isinstance(shared, dict) or not isinstance(own, dict):
        return own
    return shared | {name: _merged(shared[name], value) if name in shared else value for name, value in own.items()}
