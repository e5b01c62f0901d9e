"""Who sends events: the key comes in a header, or in the body as Segment's SDKs for browsers send it."""

from dataclasses import dataclass

from fastapi import Request

from serving.events.envelope import write_key
from serving.http.body import MAX_EVENTS_BYTES, read_body
from serving.security.access import admit, key_in_headers
from serving.security.api_keys import EVENTS_WRITE, ApiKey
from serving.service import service_of


@dataclass(frozen=True)
class Sender:
    """The sender of events, and the body, which may hold the key."""

    key: ApiKey
    body: bytes


class EventSender:
    """The dependency of event routes: the key may also be in the body, as `writeKey`. It has a rate limit."""

    scope = EVENTS_WRITE

    async def __call__(self, request: Request) -> Sender:
        service = service_of(request)
        given = key_in_headers(request)
        if given is not None:
            key = admit(service, given, self.scope)  # before a byte of the body is read
            service.rate_limit.require(key.id)
            return Sender(key, await read_body(request, MAX_EVENTS_BYTES))
        body = await read_body(request, MAX_EVENTS_BYTES)
        key = admit(service, write_key(body), self.scope)
        service.rate_limit.require(key.id)
        return Sender(key, body)
