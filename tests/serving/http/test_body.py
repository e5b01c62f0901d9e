import asyncio
import gzip
import zlib
from collections.abc import Callable

import pytest
from starlette.requests import Request

from serving.http.body import read_body
from serving.http.problems import Problem

PLAIN = b'{"batch": []}'


def read(*blocks: bytes, encoding: str = "", max_bytes: int = 100, declared: str | None = None) -> bytes:
    """What `read_body` makes of a request that sends these blocks."""
    headers = [(b"content-encoding", encoding.encode())]
    headers += [(b"content-length", declared.encode())] if declared is not None else []
    coming = iter(blocks)

    async def receive() -> dict[str, object]:
        block = next(coming, None)
        return {"type": "http.request", "body": block or b"", "more_body": block is not None}

    request = Request({"type": "http", "method": "POST", "headers": headers}, receive)
    return asyncio.run(read_body(request, max_bytes))


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [
        ("", bytes),
        ("identity", bytes),
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        (" GZIP ", gzip.compress),
        ("deflate", zlib.compress),
    ],
)
def test_a_body_is_decompressed(encoding: str, compress: Callable[[bytes], bytes]) -> None:
    sent = compress(PLAIN)
    assert read(sent[:3], sent[3:], encoding=encoding) == PLAIN


@pytest.mark.parametrize(
    ("body", "encoding", "status", "code"),
    [
        (b" " * 101, "", 413, "too-large"),
        (gzip.compress(b" " * 101), "gzip", 413, "too-large"),
        (gzip.compress(PLAIN)[:-9], "gzip", 400, "bad-compression"),
        (PLAIN, "gzip", 400, "bad-compression"),
        (gzip.compress(PLAIN) + gzip.compress(PLAIN), "gzip", 400, "bad-compression"),
        (zlib.compress(PLAIN) + b"more", "deflate", 400, "bad-compression"),
        (PLAIN, "br", 415, "unknown-encoding"),
    ],
)
def test_a_body_that_cannot_be_taken_is_refused(body: bytes, encoding: str, status: int, code: str) -> None:
    with pytest.raises(Problem) as raised:
        read(body, encoding=encoding)
    assert (raised.value.status, raised.value.code) == (status, code)


def test_a_declared_length_is_refused_before_a_byte_is_read() -> None:
    with pytest.raises(Problem, match="too-large"):
        read(declared="101")
    assert read(b" " * 100, declared="100") == b" " * 100
