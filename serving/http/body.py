"""Reads the body of a request within bounds, compressed or not."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from fastapi import Request

from contracts.errors import FieldProblem, InvalidFields
from contracts.validation.fields import decode
from serving.http.problems import Problem

MAX_QUESTION_BYTES: Final = 64 * 1024
MAX_EVENTS_BYTES: Final = 4 * 1024 * 1024  # as RudderStack; Segment's SDKs stay below 500 KB
_WINDOW_BITS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 15}


_GZIP: Final = b"\x1f\x8b"  # no JSON begins so


Form = TypeVar("Form")


async def read_json(request: Request, max_bytes: int, form: type[Form]) -> Form:
    """The body as `form`, an empty one as an empty object; raises InvalidFields, and Problem as read_body does."""
    body = await read_body(request, max_bytes)
    with in_body():
        return decode(body or b"{}", form)


@contextmanager
def in_body() -> Iterator[None]:
    """The paths of an InvalidFields that is raised within begin at the body."""
    try:
        yield
    except InvalidFields as error:
        raise InvalidFields([FieldProblem(("body", *path), message) for path, message in error.problems]) from None


async def read_body(request: Request, max_bytes: int) -> bytes:
    """The body, decompressed; raises Problem 413 if it is too large before or after decompression."""
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > max_bytes:
        raise _too_large(max_bytes)
    blocks, size = [], 0
    async for block in request.stream():
        size += len(block)
        if size > max_bytes:
            raise _too_large(max_bytes)
        blocks.append(block)
    return _decompressed(b"".join(blocks), request.headers.get("content-encoding", ""), max_bytes)


def _decompressed(raw: bytes, encoding: str, max_bytes: int) -> bytes:
    name = encoding.strip().lower() or ("gzip" if raw.startswith(_GZIP) else "")  # some clients forget the header
    if name in {"", "identity"}:
        return raw
    if name not in _WINDOW_BITS:
        allowed = ", ".join(sorted(_WINDOW_BITS))
        detail = f"The content-encoding is {name[:40]!r}; {allowed} and none are allowed."
        raise Problem(415, "unknown-encoding", detail)
    stream = zlib.decompressobj(wbits=_WINDOW_BITS[name])
    try:
        plain = stream.decompress(raw, max_bytes + 1)
    except zlib.error:
        raise Problem(400, "bad-compression", f"The body is not {name}, as content-encoding says.") from None
    if len(plain) > max_bytes:
        raise _too_large(max_bytes)
    if not stream.eof:
        raise Problem(400, "bad-compression", f"The {name} body ends too early. Send it again.")
    if stream.unused_data:
        detail = f"The {name} body goes on after its end, for example with a second gzip member. Send it as one."
        raise Problem(400, "bad-compression", detail)
    return plain


def _too_large(max_bytes: int) -> Problem:
    detail = f"The body is larger than {max_bytes:,} bytes, also after decompression. Send it in smaller parts."
    return Problem(413, "too-large", detail)
