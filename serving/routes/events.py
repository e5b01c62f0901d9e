"""Events: Segment's HTTP tracking API. An event is durable before its request is answered."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Request, Response

from contracts.errors import EventLogError
from contracts.logs.events import LogRecord
from contracts.logs.sources import source_of_key
from serving.events.envelope import Envelope, Incoming, batch_context, open_envelope, prepare, single_envelope
from serving.events.sender import EventSender, Sender
from serving.http.openapi import json_body
from serving.http.problems import unavailable
from serving.http.schemas.events import Batch, Event, EventsAnswer
from serving.service import Service, service_of

SINGLE_TYPES: Final = ("track", "identify", "page", "screen", "alias")
MAX_REPORTED_PROBLEMS: Final = 100
_EVENTS_PER_TURN: Final = 200  # then the event loop serves other requests

router = APIRouter(tags=["events"])
SenderOf = Annotated[Sender, Depends(EventSender())]


@router.post(
    "/v1/batch",
    response_model=EventsAnswer,
    summary="Send up to 2,500 events",
    openapi_extra=json_body(Batch),
)
async def send_batch(request: Request, sender: SenderOf) -> Response:
    """Store a batch of events. A bad event never stops its batch: it is quarantined, and the answer says why."""
    return await _accept(service_of(request), open_envelope(sender.body), None, sender)


async def send_event(request: Request, sender: SenderOf) -> Response:
    """Store one event; its type is that of the path, unless it has its own."""
    kind = request.url.path.rsplit("/", 1)[-1]
    return await _accept(service_of(request), single_envelope(sender.body), kind, sender)


for _type in SINGLE_TYPES:
    router.add_api_route(
        f"/v1/{_type}",
        send_event,
        methods=["POST"],
        response_model=EventsAnswer,
        name=f"send_{_type}",
        summary=f"Send one {_type} event",
        openapi_extra=json_body(Event),
    )


async def _accept(service: Service, envelope: Envelope, default_type: str | None, sender: Sender) -> Response:
    received_at = datetime.now(UTC)
    source = source_of_key(sender.key.name, is_trusted=sender.key.is_trusted)
    incoming = await _prepared(envelope, default_type, received_at, source)
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
    problems = [_problem(index, event) for index, event in enumerate(incoming) if event.problem is not None]
    return Response(
        orjson.dumps({"success": True, **counts, "events": problems[:MAX_REPORTED_PROBLEMS]}),
        media_type="application/json",
    )


async def _prepared(envelope: Envelope, default_type: str | None, received_at: datetime, source: str) -> list[Incoming]:
    context = batch_context(envelope)
    incoming: list[Incoming] = []
    for start in range(0, len(envelope.batch), _EVENTS_PER_TURN):
        if start:
            await asyncio.sleep(0)
        part = envelope.batch[start : start + _EVENTS_PER_TURN]
        incoming.extend(prepare(bytes(raw), default_type, context, received_at, source) for raw in part)
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


def _problem(index: int, event: Incoming) -> dict[str, Any]:
    assert event.problem is not None
    return {"index": index, "code": event.problem.code, "detail": str(event.problem)}
