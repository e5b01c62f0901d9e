"""Lists over HTTP: filtered, sorted and paged as JSON, or streamed as CSV, Parquet or a marketing tool's import."""

import asyncio
import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Query, Request, Response
from fastapi.responses import StreamingResponse

from contracts import columns as c
from contracts.campaigns import held_out_customers
from contracts.errors import InputError
from contracts.settings import Settings
from serving.answers.exports.marketing import CONTACT_FORMATS
from serving.answers.served_bundle import ServedBundle
from serving.answers.tables.filters import OPERATORS, Filter
from serving.answers.tables.list_request import MAX_SORT_KEYS, ListOptions, ListRequest, parse_list
from serving.answers.tables.table import Found, ServedTable
from serving.http.problems import Problem
from serving.http.schemas.tables import MAX_ROWS
from serving.service import service_of

DEFAULT_ROWS: Final = 100
MAX_FILTERS: Final = 20
CSV_MEDIA_TYPE: Final = "text/csv; charset=utf-8"
PARQUET_MEDIA_TYPE: Final = "application/vnd.apache.parquet"
WITHOUT_CONSENT_HEADER: Final = "X-Left-Out-Without-Consent"
HELD_OUT_HEADER: Final = "X-Left-Out-Held-Out"
WITHOUT_ADDRESS_HEADER: Final = "X-Left-Out-Without-Address"
# For FastAPI's `responses`: the forms other than JSON.
LIST_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/csv": {"schema": {"type": "string"}}, PARQUET_MEDIA_TYPE: {"schema": {"type": "string"}}}}
}
_CURSOR_PARTS: Final = 3
_MEDIA_TYPES: Final = {"csv": CSV_MEDIA_TYPE, "parquet": PARQUET_MEDIA_TYPE}

Where = Annotated[
    list[str] | None,
    Query(
        max_length=MAX_FILTERS,
        description="A filter `column:operator:value`; repeat it for more, all must pass. Operators: "
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

HeldOut = Annotated[
    bool,
    Query(description="Keeps the control groups of running campaigns, who must not be contacted; for other messages."),
]


@dataclass(frozen=True)
class ListQuery:
    """The query parameters of a list, as FastAPI reads them."""

    where: Where = None
    sort: Sort = None
    columns: Columns = None
    limit: Limit = None
    cursor: Cursor = None
    format: Format = None
    purpose: Purpose = None
    include_without_consent: WithoutConsent = False
    include_held_out: HeldOut = False


async def answer_list(request: Request, kind: str, query: ListQuery) -> Response:
    """The requested rows; raises InputError or Problem, naming what exists."""
    service = service_of(request)
    served = service.bundle()
    form = _form(request, query)
    if query.cursor is not None and form != "json":
        raise InputError("cursor: files have no pages; leave cursor out, and the answer streams every row.")
    listed = await asyncio.to_thread(_parsed, kind, served.table(kind), form, query, service.settings)
    hidden = await asyncio.to_thread(service.hidden.listed, served) if kind == "customers" else ()
    if hidden:
        listed = replace(listed, filters=(*listed.filters, Filter(c.CUSTOMER_ID, "not_in", hidden)))
    start = _start(query.cursor, served, listed)
    rows = start + _page_rows(query) if form == "json" else None if form in CONTACT_FORMATS else query.limit
    async with service.list_semaphore:
        found = await asyncio.to_thread(listed.find, rows)
        headers = {"X-Bundle-Version": served.version}
        if listed.consent:
            headers[WITHOUT_CONSENT_HEADER] = str(await asyncio.to_thread(listed.without_consent, found))
        if listed.held_out:
            headers[HELD_OUT_HEADER] = str(await asyncio.to_thread(listed.left_to_control_groups))
        if form in CONTACT_FORMATS:
            chunks, left_out = await asyncio.to_thread(listed.contact_file, found, None, served.tables.get("items"))
            headers[WITHOUT_ADDRESS_HEADER] = str(left_out)
            return _file(f"customers-{form}-{served.version}.csv", chunks, CSV_MEDIA_TYPE, headers)
    if form == "json":
        return await _json(served, listed, found, start, headers)
    name = f"{kind}-{served.version}.{form}"
    return _file(name, listed.chunks(found.positions), _MEDIA_TYPES[form], headers)


def _form(request: Request, query: ListQuery) -> str:
    if query.format is not None:
        return query.format
    accepted = request.headers.get("accept", "")
    forms = {"application/json": "json", "text/csv": "csv", PARQUET_MEDIA_TYPE: "parquet"}
    return next((form for media_type, form in forms.items() if media_type in accepted), "json")


def _parsed(kind: str, table: ServedTable, form: str, query: ListQuery, settings: Settings) -> ListRequest:
    listed = parse_list(
        kind,
        table,
        form,
        ListOptions(
            where=query.where or (),
            sort=query.sort or None,
            columns=query.columns,
            limit=query.limit,
            for_marketing=query.purpose is not None,
            include_without_consent=query.include_without_consent,
            held_out=None if query.include_held_out else partial(held_out_customers, settings),
        ),
    )
    if any(row_filter.column == c.CUSTOMER_ID for row_filter in listed.filters):
        # Query strings end up in the logs of proxies.
        raise InputError(
            f"where: {c.CUSTOMER_ID!r} is not allowed in a query string. Ask GET /v1/customers/{{customer_id}}."
        )
    return listed


def _page_rows(query: ListQuery) -> int:
    limit = query.limit or DEFAULT_ROWS
    if limit > MAX_ROWS:
        raise InputError(
            f"limit: {limit:,} was given; at most {MAX_ROWS:,} rows fit into one JSON answer. Page, or ask for CSV."
        )
    return limit


def _file(name: str, chunks: Iterator[bytes], media_type: str, headers: dict[str, str]) -> Response:
    headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return StreamingResponse(_one_ahead(chunks), media_type=media_type, headers=headers)


async def _one_ahead(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    """The chunks; each is made in a thread while the one before is being sent."""
    coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
    try:
        while (chunk := await coming) is not None:
            coming = asyncio.create_task(asyncio.to_thread(next, chunks, None))
            yield chunk
    finally:
        coming.cancel()


async def _json(
    served: ServedBundle, listed: ListRequest, found: Found, start: int, headers: dict[str, str]
) -> Response:
    page = found.positions[start:]
    end = start + len(page)
    body = {
        "bundle_version": served.version,
        "as_of": served.as_of(),
        "total": found.total,
        "rows": await asyncio.to_thread(listed.rows, page),
        "next_cursor": _cursor(end, served, listed) if end < found.total else None,
    }
    content = orjson.dumps(body, option=orjson.OPT_UTC_Z)
    return Response(content, media_type="application/json", headers=headers)


def _cursor(offset: int, served: ServedBundle, listed: ListRequest) -> str:
    return urlsafe_b64encode(f"{served.version} {_digest(listed)} {offset}".encode()).decode().rstrip("=")


def _digest(listed: ListRequest) -> str:
    """The same for all pages of one list."""
    filters = listed.filters + listed.consent + listed.held_out
    return blake2b(repr((filters, listed.sort)).encode(), digest_size=8).hexdigest()


def _start(cursor: str | None, served: ServedBundle, listed: ListRequest) -> int:
    """The position of the page's first row. A bundle never changes, so its pages never overlap or skip rows."""
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
    if digest != _digest(listed):
        raise InputError("cursor: it belongs to another question; keep where and sort as they were.")
    return int(offset)
