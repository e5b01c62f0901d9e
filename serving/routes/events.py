"""Events: Segment's HTTP tracking API. An event is durable before its request is answered."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.errors import EventLogError
from contracts.events.rules import EventRules
from contracts.logs.events import LogRecord
from contracts.logs.sources import source_of_key
from serving.events.envelope import Envelope, Incoming, Shared, open_envelope, prepare, shared_by, single_envelope
from serving.events.sender import BEACON_PATH, EventSender, Sender
from serving.http.openapi import json_body
from serving.http.problems import unavailable
from serving.http.schemas.events import Batch, Event, EventsAnswer
from serving.service import service_of

SINGLE_TYPES: Final = {  # by path; one letter, as Segment's SDK for browsers sends them
    **{name: name for name in ("track", "identify", "page", "screen", "alias", "group")},
    **{name[0]: name for name in ("track", "identify", "page", "screen", "alias", "group")},
}
BATCH_PATHS: Final = {
    "/v1/batch": "Send up to 2,500 events",
    "/v1/b": "Send up to 2,500 events, as Segment's SDK for browsers does",
    "/v1/import": "Send up to 2,500 events of the past",
    BEACON_PATH: "Send up to 2,500 events, as beacons of RudderStack's SDK: a page's key may be in `?writeKey=`",
}
MAX_REPORTED_PROBLEMS: Final = 100
_EVENTS_PER_TURN: Final = 200  # then the event loop serves other requests

router = APIRouter(tags=["events"])
SenderOf = Annotated[Sender, Depends(EventSender())]
StrictQuery = Annotated[bool, Query(description="Say of every event what became of it, and what was repaired.")]


async def send_batch(request: Request, sender: SenderOf, strict: StrictQuery = False) -> Response:
    """Store a batch of events. A bad event never stops its batch: it is quarantined, and the answer says why."""
    return await _accept(request, sender, open_envelope(sender.body), None, strict)


async def send_event(request: Request, sender: SenderOf, strict: StrictQuery = False) -> Response:
    """Store one event; its type is that of the path, unless it has its own."""
    kind = SINGLE_TYPES[request.url.path.rsplit("/", 1)[-1]]
    return await _accept(request, sender, single_envelope(sender.body), kind, strict)


for _path, _summary in BATCH_PATHS.items():
    router.add_api_route(
        _path,
        send_batch,
        methods=["POST"],
        response_model=EventsAnswer,
        name="send_" + _path.removeprefix("/v1/").strip("/").partition("/")[0],
        summary=_summary,
        openapi_extra=json_body(Batch),
    )
for _path, _type in SINGLE_TYPES.items():
    router.add_api_route(
        f"/v1/{_path}",
        send_event,
        methods=["POST"],
        response_model=EventsAnswer,
        name=f"send_{_path}",
        summary=f"Send one {_type} event",
        openapi_extra=json_body(Event),
    )


async def _accept(
    request: Request, sender: Sender, envelope: Envelope, default_type: str | None, is_strict: bool
) -> Response:
    service, received_at = service_of(request), datetime.now(UTC)
    service.rate_limit.charge(sender.key.id, len(envelope.batch))
    source = source_of_key(sender.key.name, is_trusted=sender.key.is_trusted)
    has_objection = not sender.key.is_trusted and request.headers.get("sec-gpc") == "1"
    is_import = request.url.path.endswith("/import")
    shared = shared_by(envelope, default_type, has_objection=has_objection, is_import=is_import)
    incoming = await _prepared(envelope, shared, received_at, source, service.rules)
    records = [LogRecord(event.key, event.payload, received_at, source) for event in incoming]
    try:
        is_new = await service.writer.append(records)
    except EventLogError:
        service.telemetry.event_log_failures.inc()
        detail = "The events could not be stored safely, so none of them is confirmed. Send them again."
        raise unavailable("events-not-stored", detail) from None
    service.log_follower.record(incoming, is_new, received_at)
    counts = _counts(incoming, is_new)
    for outcome, number in counts.items():
        service.telemetry.events.labels(outcome=outcome).inc(number)
    if is_strict:
        events = [_outcome(index, *pair) for index, pair in enumerate(zip(incoming, is_new, strict=True))]
    else:
        problems = [_problem(index, event) for index, event in enumerate(incoming) if event.problem is not None]
        events = problems[:MAX_REPORTED_PROBLEMS]
    return Response(orjson.dumps({"success": True, **counts, "events": events}), media_type="application/json")


async def _prepared(
    envelope: Envelope, shared: Shared, received_at: datetime, source: str, rules: EventRules
) -> list[Incoming]:
    incoming: list[Incoming] = []
    for start in range(0, len(envelope.batch), _EVENTS_PER_TURN):
        if start:
            await asyncio.sleep(0)
        part = envelope.batch[start : start + _EVENTS_PER_TURN]
        incoming.extend(prepare(bytes(raw), shared, received_at, source, rules) for raw in part)
    return incoming


def _counts(incoming: list[Incoming], is_new: list[bool]) -> dict[str, int]:
    """Every event is counted exactly once."""
    new = [event for event, was_new in zip(incoming, is_new, strict=True) if was_new]
    quarantined = sum(event.problem is not None for event in new)
    suppressed = sum(event.is_suppressed for event in new)
    return {
        "accepted": len(new) - quarantined - suppressed,
        "duplicates": len(incoming) - len(new),
        "quarantined": quarantined,
        "suppressed": suppressed,
    }


def _outcome(index: int, event: Incoming, is_new: bool) -> dict[str, Any]:
    """What became of one event."""
    if not is_new:
        outcome = "duplicate"
    elif event.problem is not None:
        outcome = "quarantined"
    else:
        outcome = "suppressed" if event.is_suppressed else "accepted"
    repairs = list(event.event.repairs) if event.event is not None else []
    problem = _problem(index, event) if event.problem is not None else {"index": index}
    return {**problem, "outcome": outcome, "repaired": repairs}


def _problem(index: int, event: Incoming) -> dict[str, Any]:
    assert event.problem is not None
    return {"index": index, "code": event.problem.code, "detail": str(event.problem)}
