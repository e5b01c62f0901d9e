"""An answer as JSON or as a CSV file, by the parameter `format`."""

from typing import Annotated, Any, Final, Literal

import orjson
from fastapi import Query, Response

from serving.routes.listing import CSV_MEDIA_TYPE

Format = Annotated[Literal["json", "csv"], Query(description="CSV is safe for a spreadsheet.")]
# For FastAPI's `responses`: the form other than JSON.
CSV_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


def csv_answer(content: bytes, name: str, version: str) -> Response:
    """The file, named after its content and its bundle."""
    headers = {"Content-Disposition": f'attachment; filename="{name}-{version}.csv"', "X-Bundle-Version": version}
    return Response(content, media_type=CSV_MEDIA_TYPE, headers=headers)


def json_answer(body: dict[str, Any]) -> Response:
    """The object, its times in UTC."""
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
