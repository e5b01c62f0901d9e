"""Many rows of a table over HTTP: filter, sort, page; as JSON, or streamed as CSV, Parquet or a tool's import."""

import asyncio
import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import numpy as np
import orjson
from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from contracts import columns as c
from contracts.errors import InputError
from serving.answers.exports.csv import csv_blocks
from serving.answers.exports.marketing import (
    CONTACT_FORMATS,
    ContactFormat,
    allowed,
    contact_blocks,
    contacts,
    useful_columns,
    why_no_contacts,
)
from serving.answers.exports.parquet import parquet_blocks
from serving.answers.served_bundle import ServedBundle
from serving.answers.tables.filters import OPERATORS, Condition, parse_condition
from serving.answers.tables.table import Found, ServedTable
from serving.http.problems import Problem
from serving.http.schemas.tables import MAX_ROWS
from serving.service import service_of, table_of

DEFAULT_ROWS: Final = 100
MAX_CONDITIONS: Final = 20
MAX_SORT_KEYS: Final = 5
CSV_MEDIA_TYPE: Final = "text/csv; charset=utf-8"
PARQUET_MEDIA_TYPE: Final = "application/vnd.apache.parquet"
WITHOUT_CONSENT_HEADER: Final = "X-Left-Out-Without-Consent"
WITHOUT_ADDRESS_HEADER: Final = "X-Left-Out-Without-Address"
# For FastAPI's `responses`: the forms beside JSON.
LIST_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, PARQUET_MEDIA_TYPE: {"schema": {"type": "string"}}}}
}
_CURSOR_PARTS: Final = 3
# By which columns a list is sorted, falling, where it is not said: what will run out, what to order, what sells.
_FIRST: Final = {"items": ("stockout_probability", "order_quantity", "daily_units_recent")}

Blocks = Callable[[ServedTable, np.ndarray, tuple[str, ...]], Iterator[bytes]]
_FILES: Final[dict[str, tuple[str, str, Blocks]]] = {
    "csv": ("csv", CSV_MEDIA_TYPE, csv_blocks),
    "parquet": ("parquet", PARQUET_MEDIA_TYPE, parquet_blocks),
}

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
    Query(ge=1, description=f"Rows: 1 to {MAX_ROWS:,} in JSON, {DEFAULT_ROWS} by default; files have no bound."),
]
Cursor = Annotated[str | None, Query(max_length=300, description="`next_cursor` of the answer before (JSON).")]
Format = Annotated[
    Literal["json", "csv", "parquet", "klaviyo", "mailchimp"] | None,
    Query(
        description="Default: by the Accept header, otherwise JSON. `klaviyo` and `mailchimp` are CSV files that these "
        "import as they are, of customers who agreed to marketing."
    ),
]
Purpose = Annotated[
    Literal["marketing"] | None,
    Query(description=f"`marketing`: only who agreed to it; {WITHOUT_CONSENT_HEADER} says how many did not."),
]
WithoutConsent = Annotated[
    bool, Query(description="Keeps who did not agree to marketing, for messages that need no consent.")
]


@dataclass(frozen=True)
class ListQuery:
    """What a list was asked for, as FastAPI reads it from the query string."""

    where: Where = None
    sort: Sort = None
    columns: Columns = None
    limit: Limit = None
    cursor: Cursor = None
    format: Format = None
    purpose: Purpose = None
    include_without_consent: WithoutConsent = False


@dataclass(frozen=True)
class _Question:
    """The same, checked against the table's columns."""

    asked: tuple[Condition, ...]
    consent: tuple[Condition, ...]  # what marketing adds
    sort: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return self.asked + self.consent

    @property
    def digest(self) -> str:
        return blake2b(repr((self.conditions, self.sort)).encode(), digest_size=8).hexdigest()


async def answer_list(request: Request, kind: str, query: ListQuery) -> Response:
    """The rows that were asked for; raises InputError or Problem, naming what there is."""
    service = service_of(request)
    served = service.bundle()
    table = table_of(served, kind)
    form = _form(request, query)
    if query.cursor is not None and form != "json":
        raise InputError("cursor: files have no pages; leave cursor out, and the answer streams every row.")
    question = _checked(query, kind, form, table)
    start = _start(query.cursor, served, question)
    rows = start + _page_rows(query) if form == "json" else None if form in CONTACT_FORMATS else query.limit
    async with service.listing_turns:
        found = await asyncio.to_thread(table.found, question.conditions, question.sort, rows)
        headers = {"X-Bundle-Version": served.version}
        if question.consent:
            asked = await asyncio.to_thread(table.count, question.asked)
            headers[WITHOUT_CONSENT_HEADER] = str(asked - found.total)
        if form in CONTACT_FORMATS:
            return await _contacts(CONTACT_FORMATS[form], served, table, found, question, query.limit, headers)
    if form == "json":
        return await _json(served, table, found, start, question, headers)
    suffix, media_type, blocks = _FILES[form]
    parts = blocks(table, found.positions, question.columns)
    return _file(f"{kind}-{served.version}.{suffix}", parts, media_type, headers)


def _form(request: Request, query: ListQuery) -> str:
    if query.format is not None:
        return query.format
    accepted = request.headers.get("accept", "")
    forms = {"application/json": "json", "text/csv": "csv", PARQUET_MEDIA_TYPE: "parquet"}
    return next((form for media_type, form in forms.items() if media_type in accepted), "json")


def _checked(query: ListQuery, kind: str, form: str, table: ServedTable) -> _Question:
    conditions = tuple(parse_condition(text, table.schema) for text in query.where or ())
    if any(condition.column == c.CUSTOMER_ID for condition in conditions):
        # Query strings end up in the logs of proxies.
        raise InputError(
            f"where: {c.CUSTOMER_ID!r} is not allowed in a query string. Ask GET /v1/customers/{{customer_id}}."
        )
    is_marketing = form in CONTACT_FORMATS or query.purpose is not None
    if is_marketing and kind != "customers":
        raise InputError(f"{kind} are no contacts: `purpose` and the formats klaviyo and mailchimp are for customers.")
    sort = tuple(_names(query.sort)) or default_sort(kind, table)
    if len(sort) > MAX_SORT_KEYS or len({name.removeprefix("-") for name in sort}) < len(sort):
        raise InputError(f"sort: at most {MAX_SORT_KEYS} columns, each once; {len(sort)} were given.")
    table.checked([name.removeprefix("-") for name in sort])
    default = useful_columns(table) if form in CONTACT_FORMATS else table.columns
    columns = table.checked(list(dict.fromkeys(_names(query.columns)))) or default
    consent = (allowed(table),) if is_marketing and not query.include_without_consent else ()
    return _Question(conditions, consent, sort, tuple(columns))


def default_sort(kind: str, table: ServedTable) -> tuple[str, ...]:
    """What to look at first, where nobody says; of customers, the order of their ids."""
    return tuple(f"-{name}" for name in _FIRST.get(kind, ()) if name in table.columns)


def _page_rows(query: ListQuery) -> int:
    limit = query.limit or DEFAULT_ROWS
    if limit > MAX_ROWS:
        raise InputError(
            f"limit: {limit:,} was given; at most {MAX_ROWS:,} rows fit into one JSON answer. Page, or ask for CSV."
        )
    return limit


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in (text or "").split(",") if name.strip()]


async def _contacts(
    form: ContactFormat,
    served: ServedBundle,
    table: ServedTable,
    found: Found,
    question: _Question,
    limit: int | None,
    headers: dict[str, str],
) -> Response:
    reached = await asyncio.to_thread(contacts, form, table, found.positions)
    problem = why_no_contacts(form, found.total) if not len(reached.positions) else None
    if problem is not None:
        raise InputError(problem)
    headers[WITHOUT_ADDRESS_HEADER] = str(reached.left_out)
    blocks = contact_blocks(form, table, reached.first(limit), question.columns)
    return _file(f"customers-{form.name}-{served.version}.csv", blocks, CSV_MEDIA_TYPE, headers)


def _file(name: str, blocks: Iterator[bytes], media_type: str, headers: dict[str, str]) -> Response:
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return StreamingResponse(_one_ahead(blocks), media_type=media_type, headers=headers)


async def _one_ahead(blocks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The blocks; each is made in a thread, while the one before is on its way."""
    coming = asyncio.create_task(asyncio.to_thread(next, blocks, None))
    try:
        while (block := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, blocks, None))
            yield block
    finally:
        coming.cancel()


async def _json(
    served: ServedBundle,
    table: ServedTable,
    found: Found,
    start: int,
    question: _Question,
    headers: dict[str, str],
) -> Response:
    page = found.positions[start:]
    end = start + len(page)
    body = {
        "bundle_version": served.version,
        "as_of": served.as_of(),
        "total": found.total,
        "rows": await asyncio.to_thread(_rows, table, page, question.columns),
        "next_cursor": _cursor(end, served, question) if end < found.total else None,
    }
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(content, media_type="application/json", headers=headers)


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
