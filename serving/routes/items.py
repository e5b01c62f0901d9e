"""What is true of this item, and how much of it will be needed."""

from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response

from serving.access import Access
from serving.bundles import ServedBundle
from serving.listing import ListQuery, answer_list
from serving.problems import Problem, unavailable
from serving.schemas import ForecastAnswer, ItemAnswer, ListAnswer
from serving.security import CUSTOMERS_READ
from serving.service import service_of, table_of, unknown_id

DEMAND: Final = "demand"

router = APIRouter(tags=["items"], dependencies=[Depends(Access(CUSTOMERS_READ))])
ItemId = Annotated[str, Path(min_length=1, max_length=200)]


@router.get("/v1/items", response_model=ListAnswer, summary="Items, filtered and sorted, as JSON or CSV")
async def list_items(request: Request, query: Annotated[ListQuery, Depends()]) -> Response:
    """For example `?where=stock:lt:5&sort=item_name`."""
    return await answer_list(request, "items", query)


@router.get("/v1/items/{item_id:path}/forecast", response_model=ForecastAnswer, summary="An item's demand, day by day")
async def get_forecast(request: Request, item_id: ItemId) -> Response:
    """Units per day with an 80 % band, and the totals that the forecast family states."""
    served = service_of(request).bundle()
    if served.forecasts is None:
        detail = f"Bundle {served.version} has no demand forecast. `shopkeeper train {DEMAND}` says what it needs."
        raise unavailable("no-forecasts", detail)
    item = _item(served, item_id)
    days = served.forecasts.days(item_id)
    if not days and item is None:
        raise unknown_id("item", "items", served.version)
    if not days:
        raise Problem(404, "no-forecast", f"Bundle {served.version} knows this item but has no forecast for it.")
    columns = served.manifest.families[DEMAND].columns if DEMAND in served.manifest.families else {}
    body = {
        "bundle_version": served.version,
        "as_of": served.as_of(DEMAND),
        "item_id": item_id,
        "days": days,
        "totals": {name: value for name, value in (item or {}).items() if name in columns},
        "item": item,
    }
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


@router.get("/v1/items/{item_id:path}", response_model=ItemAnswer, summary="One item")
async def get_item(request: Request, item_id: ItemId) -> Response:
    """Everything that the bundle says about one item."""
    served = service_of(request).bundle()
    table_of(served, "items")
    item = _item(served, item_id)
    if item is None:
        raise unknown_id("item", "items", served.version)
    body = {"bundle_version": served.version, "as_of": served.as_of(), "item": item}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def _item(served: ServedBundle, item_id: str) -> dict[str, Any] | None:
    table = served.tables.get("items")
    return table.row(item_id) if table is not None else None
