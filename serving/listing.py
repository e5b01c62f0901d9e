"""Many rows of a table over HTTP: filter, sort, page, as JSON or CSV; the same for customers and for items."""

import asyncio
import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import numpy as np
import orjson
from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from contracts import columns as c
from contracts.errors import InputError
from serving.bundles import ServedBundle
from serving.conditions import OPERATORS, Condition, parse_condition
from serving.csv_export import stream_csv
from serving.problems import Problem
from serving.schemas import MAX_ROWS
from serving.service import service_of, table_of
from serving.tables import ServedTable

DEFAULT_ROWS: Final = 100
MAX_CONDITIONS: Final = 20
MAX_SORT_KEYS: Final = 5
CSV_MEDIA_TYPE: Final = "text/csv; charset=utf-8"
_CURSOR_PARTS: Final = 3

Where = Annotated[
    list[str] | None,
    Query(
        max_length=MAX_CONDITIONS,
        description="A condition `column:operator:value`; repeat it for more, all must hold. Operators: "
        + "; ".join(f"`{name}` {text}" for name, text in OPERATORS.items())
        + ".",
        examples=["churn_band:eq:high"],
    ),
]
Sort = Annotated[
    str | None,
    Query(max_length=500, description=f"Up to {MAX_SORT_KEYS} columns, separated by commas; '-' in front: descending."),
]
Columns = Annotated[str | None, Query(max_length=5000, description="Columns to answer with, separated by commas.")]
Limit = Annotated[
    int | None,
    Query(ge=1, description=f"Rows: 1 to {MAX_ROWS:,} in JSON, {DEFAULT_ROWS} by default; CSV has no bound."),
]
Cursor = Annotated[str | None, Query(max_length=300, description="`next_cursor` of the answer before (JSON).")]
Format = Annotated[Literal["json", "csv"] | None, Query(description="Default: by the Accept header, otherwise JSON.")]


@dataclass(frozen=True)
class ListQuery:
    """What a list was asked for, as FastAPI reads it from the query string."""

    where: Where = None
    sort: Sort = None
    columns: Columns = None
    limit: Limit = None
    cursor: Cursor = None
    format: Format = None


@dataclass(frozen=True)
class _Question:
    """The same, checked against the table's columns."""

    conditions: tuple[Condition, ...]
    sort: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def digest(self) -> str:
        return blake2b(repr((self.conditions, self.sort)).encode(), digest_size=8).hexdigest()


async def answer_list(request: Request, kind: str, query: ListQuery) -> Response:
    """The rows that were asked for; raises InputError or Problem, naming what there is."""
    service = service_of(request)
    served = service.bundle()
    table = table_of(served, kind)
    question = _checked(query, table)
    async with service.listing_turns:
        positions = await asyncio.to_thread(table.positions, question.conditions, question.sort)
    if _wants_csv(request, query):
        return _csv(served, kind, table, positions, question, query)
    return await _json(served, table, positions, question, query)


def _checked(query: ListQuery, table: ServedTable) -> _Question:
    conditions = tuple(parse_condition(text, table.schema) for text in query.where or ())
    if any(condition.column == c.CUSTOMER_ID for condition in conditions):
        # Query strings end up in the logs of proxies.
        raise InputError(
            f"where: {c.CUSTOMER_ID!r} is not allowed in a query string. Ask GET /v1/customers/{{customer_id}}."
        )
    sort = tuple(_names(query.sort))
    if len(sort) > MAX_SORT_KEYS or len({name.removeprefix("-") for name in sort}) < len(sort):
        raise InputError(f"sort: at most {MAX_SORT_KEYS} columns, each once; {len(sort)} were given.")
    table.checked([name.removeprefix("-") for name in sort])
    columns = table.checked(list(dict.fromkeys(_names(query.columns)))) or table.columns
    return _Question(conditions, sort, tuple(columns))


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


def _wants_csv(request: Request, query: ListQuery) -> bool:
    if query.format is not None:
        return query.format == "csv"
    accepted = request.headers.get("accept", "")
    return "text/csv" in accepted and "application/json" not in accepted


def _csv(
    served: ServedBundle, kind: str, table: ServedTable, positions: np.ndarray, question: _Question, query: ListQuery
) -> Response:
    if query.cursor is not None:
        raise InputError("cursor: CSV has no pages; leave cursor out, and the answer streams every row.")
    headers = {
        "Content-Disposition": f'attachment; filename="{kind}-{served.version}.csv"',
        "X-Bundle-Version": served.version,
    }
    rows = stream_csv(table, positions[: query.limit], question.columns)
    return StreamingResponse(rows, media_type=CSV_MEDIA_TYPE, headers=headers)


async def _json(
    served: ServedBundle, table: ServedTable, positions: np.ndarray, question: _Question, query: ListQuery
) -> Response:
    limit = query.limit or DEFAULT_ROWS
    if limit > MAX_ROWS:
        raise InputError(
            f"limit: {limit:,} was given; at most {MAX_ROWS:,} rows fit into one JSON answer. Page, or ask for CSV."
        )
    start = _start(query.cursor, served, question)
    page = positions[start : start + limit]
    end = start + len(page)
    body = {
        "bundle_version": served.version,
        "as_of": served.as_of(),
        "total": len(positions),
        "rows": await asyncio.to_thread(_rows, table, page, question.columns),
        "next_cursor": _cursor(end, served, question) if end < len(positions) else None,
    }
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def _rows(table: ServedTable, page: np.ndarray, columns: tuple[str, ...]) -> list[dict[str, Any]]:
    cells = table.cells(page, columns)
    return [dict(zip(columns, row, strict=True)) for row in zip(*cells.values(), strict=True)]


def _cursor(offset: int, served: ServedBundle, question: _Question) -> str:
    return urlsafe_b64encode(f"{served.version} {question.digest} {offset}".encode()).decode().rstrip("=")


def _start(cursor: str | None, served: ServedBundle, question: _Question) -> int:
    """Where the page starts. A bundle never changes, so that pages of one bundle never overlap or skip."""
    if cursor is None:
        return 0
    try:
        parts = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode().split(" ")
    except (binascii.Error, ValueError):
        parts = []
    if len(parts) != _CURSOR_PARTS or not parts[2].isascii() or not parts[2].isdigit() or len(parts[2]) > 12:
        raise InputError("cursor: it is not one of ours; send `next_cursor` of the answer before, unchanged.")
    version, digest, offset = parts
    if version != served.version:
        detail = "A new bundle was published since the first page. Start again without a cursor."
        raise Problem(410, "list-changed", detail, bundle_version=served.version)
    if digest != question.digest:
        raise InputError("cursor: it belongs to another question; keep where and sort as they were.")
    return int(offset)
