"""Every error as problem+json (RFC 9457): what was given, what is allowed, what to do; no internals.

Handlers raise `Problem`; all other errors between the socket and a handler are turned into one here.
"""

import logging
import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from uuid import uuid4

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from contracts.errors import FieldProblem, InputError, InvalidFields
from serving.answers.published import NotInBundle

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 5

_log: Final = logging.getLogger("serving")


class Problem(Exception):
    """An error with an answer; `code` is stable and short, `detail` is for a person, `more` is added to the JSON."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: Mapping[str, str] | None = None, **more: Any
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})
        self.more = more

    def response(self) -> Response:
        body = {
            "type": f"urn:shopkeeper:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "detail": self.detail,
            # By these names SDKs of Segment and RudderStack read an error; without them, some repeat a 401 ten times.
            "code": self.code,
            "message": self.detail,
            **self.more,
        }
        return Response(orjson.dumps(body), self.status, self.headers, MEDIA_TYPE)


def unavailable(code: str, detail: str) -> Problem:
    """A temporary fault of the service: 503, and when to retry."""
    return Problem(503, code, detail, headers={"Retry-After": str(RETRY_SECONDS)})


def install_handlers(app: FastAPI) -> None:
    """Answer every expected kind of error as a problem."""
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)


def unexpected(error: BaseException, route: str) -> Problem:
    """The problem for an unexpected error. The log gets its location and nothing of the request."""
    reference = uuid4()
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames))
    _log.error("unexpected %s on %s, reference %s: %s", type(error).__name__, route, reference, where)
    detail = "Something went wrong in the service. Try again; if it stays, give the operator the reference."
    return Problem(500, "internal", detail, instance=f"urn:uuid:{reference}")


async def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error.response()


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code, detail = _HTTP_DETAILS.get(error.status_code, ("http-error", str(error.detail)))
    allowed = (error.headers or {}).get("Allow", "")
    return Problem(error.status_code, code, detail.format(allowed=allowed), headers=error.headers).response()


async def _on_invalid_request(request: Request, error: Exception) -> Response:
    """Errors of the parameters that FastAPI reads, in the form of ours."""
    assert isinstance(error, RequestValidationError)
    return await _on_invalid_fields(request, InvalidFields([_field_problem(entry) for entry in error.errors()[:20]]))


async def _on_invalid_fields(request: Request, error: Exception) -> Response:
    assert isinstance(error, InvalidFields)
    errors = [{"where": ".".join(path), "message": message} for path, message in error.problems]
    return Problem(422, "invalid-request", f"{error} See /openapi.json for what is allowed.", errors=errors).response()


async def _on_input_error(request: Request, error: Exception) -> Response:
    return Problem(422, "invalid-request", str(error)).response()


async def _on_missing_part(request: Request, error: Exception) -> Response:
    assert isinstance(error, NotInBundle)
    if error.code in _NOT_FOUND_CODES:
        return Problem(404, error.code, str(error)).response()
    return unavailable(error.code, str(error)).response()


async def _on_disconnect(request: Request, error: Exception) -> Response:
    return Problem(400, "disconnected", "The connection ended before the body did.").response()


_HANDLERS: Final[dict[type[Exception], Any]] = {
    Problem: _on_problem,
    HTTPException: _on_http_error,
    RequestValidationError: _on_invalid_request,
    InvalidFields: _on_invalid_fields,
    InputError: _on_input_error,
    NotInBundle: _on_missing_part,
    ClientDisconnect: _on_disconnect,
}
_NOT_FOUND_CODES: Final = frozenset({"no-kpis"})  # what else a bundle lacks may come with the next one: 503
_HTTP_DETAILS: Final = {
    404: ("no-such-route", "There is nothing at this path. /openapi.json lists every path."),
    405: ("method-not-allowed", "This path does not know that method; allowed: {allowed}."),
}
# Kinds of errors whose input is a malformed number or choice, never an id or a text of a person's.
_QUOTED_KINDS: Final = ("_parsing", "_type", "literal_error", "greater_than", "less_than", "finite_number")


def _field_problem(entry: Mapping[str, Any]) -> FieldProblem:
    path, given = tuple(map(str, entry["loc"])), entry.get("input")
    is_quoted = any(kind in entry["type"] for kind in _QUOTED_KINDS)
    if is_quoted and isinstance(given, (str, int, float, bool)):
        shown = repr(given[:40]) if isinstance(given, str) else str(given)[:40]
        return FieldProblem(path, f"{shown} was given; {entry['msg']}")
    return FieldProblem(path, entry["msg"])
