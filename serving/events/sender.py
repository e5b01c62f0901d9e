"""Who sends events: the key comes in a header, in the body as Segment's SDKs send it, or in the address of a beacon."""

from dataclasses import dataclass
from typing import Final

from fastapi import Request

from serving.events.envelope import write_key
from serving.http.body import MAX_EVENTS_BYTES, read_body
from serving.http.problems import Problem
from serving.security.access import admit, key_in_headers
from serving.security.api_keys import EVENTS_WRITE, ApiKey
from serving.service import service_of

BEACON_PATH: Final = "/beacon/v1/batch"  # of RudderStack's SDK for browsers; a beacon has no headers


@dataclass(frozen=True)
class Sender:
    """The sender of events, and the body, which may hold the key."""

    key: ApiKey
    body: bytes


class EventSender:
    """The dependency of event routes: the key may also be in the body or, for beacons, in the address: `writeKey`."""

    scope = EVENTS_WRITE

    async def __call__(self, request: Request) -> Sender:
        service, given = service_of(request), key_in_headers(request)
        key = admit(service, given, self.scope) if given is not None else _key_in_address(request)
        if key is not None:
            service.rate_limit.require(key.id)  # before a byte of the body is read
            return Sender(key, await read_body(request, MAX_EVENTS_BYTES))
        body = await read_body(request, MAX_EVENTS_BYTES)
        key = admit(service, write_key(body), self.scope)
        service.rate_limit.require(key.id)
        return Sender(key, body)


def _key_in_address(request: Request) -> ApiKey | None:
    """The key of the parameter `writeKey`, if any. Proxies log addresses, so only a page's key may be there."""
    given = request.query_params.get("writeKey")
    if not given or request.url.path != BEACON_PATH:
        return None
    key = admit(service_of(request), given, EVENTS_WRITE)
    if key.scopes != (EVENTS_WRITE,):
        detail = f"A key in an address is public; this one has the scopes {', '.join(key.scopes)}. Send it in a header."
        raise Problem(403, "key-in-address", detail)
    return key
