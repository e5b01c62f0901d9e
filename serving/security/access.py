"""Access control: the API key of a request, and the scope that its route requires."""

import binascii
import logging
from base64 import b64decode
from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import Request, Response
from fastapi.routing import APIRoute

from contracts.errors import SettingsError
from serving.http.problems import Problem, unavailable
from serving.security.api_keys import ApiKey
from serving.service import Service, service_of

MAX_KEY_CHARS: Final = 200

_log: Final = logging.getLogger("serving.access")


class Access:
    """A route's dependency: an active key with this scope, otherwise 401 or 403. Every route under /v1 declares one."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    async def __call__(self, request: Request) -> ApiKey:
        return admit(service_of(request), key_in_headers(request), self.scope)


class DirectRoute(APIRoute):
    """A fast route: its key is checked, then its handler reads the request itself.

    FastAPI's dependency resolution and validation would take longer than many answers. Only `Access` dependencies may
    be declared on it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        endpoint, checks = self.dependant.call, [dependant.call for dependant in self.dependant.dependencies]
        accesses = [check for check in checks if isinstance(check, Access)]
        assert endpoint is not None
        assert accesses
        assert len(accesses) == len(checks)

        async def handle(request: Request) -> Response:
            for access in accesses:
                await access(request)
            return await endpoint(request)

        return handle


def key_in_headers(request: Request) -> str | None:
    """The key as Bearer token, `X-API-Key`, or user name of Basic authentication, as Segment's SDKs send it."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        return _basic_user(credentials)
    return request.headers.get("x-api-key")


def admit(service: Service, key: str | None, scope: str) -> ApiKey:
    """The entry of an active key with the scope; raises Problem 401, 403 or 503."""
    if not key:
        raise _unauthorized("no-key", "This needs an API key. Send it as 'Authorization: Bearer sk_...'.")
    try:
        found = service.keys.authenticate(key) if len(key) <= MAX_KEY_CHARS else None
    except SettingsError as error:
        _log.error("the keys cannot be read, every request is refused: %s", error)
        raise unavailable("keys-unavailable", "API keys cannot be checked right now. Try again later.") from None
    if found is None:
        raise _unauthorized("unknown-key", "The API key is unknown or was revoked. Ask the operator for a new one.")
    if not found.allows(scope):
        given = ", ".join(found.scopes)
        detail = f"This key has the scopes {given}; here {scope} is needed. Ask the operator for a key that has it."
        raise Problem(403, "wrong-scope", detail)
    return found


def _unauthorized(code: str, detail: str) -> Problem:
    return Problem(401, code, detail, headers={"WWW-Authenticate": "Bearer"})


def _basic_user(credentials: str) -> str:
    try:
        return b64decode(credentials.strip(), validate=True).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return "malformed"
