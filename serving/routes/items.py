"""Items: one by id, lists, demand forecasts, and the shop's catalogue updates."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated, Any, Final

import msgspec
import orjson
from fastapi import APIRouter, Depends, Path, Request, Response

from contracts.errors import StorageError
from contracts.events.repair import UNREADABLE
from contracts.validation.bounds import INVENTORY_TERMS, MAX_ATTRIBUTE, inventory_term, refused_term
from contracts.validation.fields import convert
from contracts.validation.item_fields import Reader, read_moment, read_name, read_price, read_stock, repair_item
from recsys.data.attributes import MAX_ATTRIBUTE_CHARS
from recsys.data.catalogue_updates import ItemUpsert
from serving.answers.catalogue_updates import catalogue_fields
from serving.answers.forecasts.items import DEMAND
from serving.answers.served_bundle import ServedBundle
from serving.http.body import MAX_EVENTS_BYTES, in_body, read_json
from serving.http.openapi import json_body
from serving.http.problems import Problem, unavailable
from serving.http.schemas.catalogue_updates import ItemUpdate, ItemUpdates, ItemUpdatesAnswer, RawItemUpdates
from serving.http.schemas.forecasts import ForecastAnswer
from serving.http.schemas.tables import ItemAnswer, ListAnswer
from serving.routes.listing import LIST_RESPONSES, ListQuery, answer_list
from serving.security.access import Access
from serving.security.api_keys import CUSTOMERS_READ, ITEMS_WRITE
from serving.service import service_of, unknown_id

SHOWN_WARNINGS: Final = 20
_log: Final = logging.getLogger("serving.items")

router = APIRouter(tags=["items"])
_READERS: Final[dict[str, Reader]] = {
    "name": read_name,
    "category": read_name,
    "brand": read_name,
    "price": read_price,
    "stock": read_stock,
    "available_from": read_moment,
}
_READS: Final = [Depends(Access(CUSTOMERS_READ))]
ItemId = Annotated[str, Path(min_length=1, max_length=200)]


@router.post(
    "/v1/items",
    response_model=ItemUpdatesAnswer,
    summary="Add or update up to 1,000 items",
    dependencies=[Depends(Access(ITEMS_WRITE))],
    openapi_extra=json_body(ItemUpdates),
)
async def tell_items(request: Request) -> Response:
    """New items can be recommended as soon as this is answered; known items have their new price and stock."""
    service = service_of(request)
    raw = await read_json(request, MAX_EVENTS_BYTES, RawItemUpdates)
    repairs = [_repair(item) for item in raw.items]
    with in_body():
        items = convert({"items": raw.items}, ItemUpdates).items
    rows = [(item.item_id, catalogue_fields(_stated(item))) for item in items]
    await asyncio.to_thread(service.bundles.require_showable, [_upsert(item) for item in items])
    try:
        await asyncio.to_thread(service.catalogue_updates.append, rows, datetime.now(UTC))
        await asyncio.to_thread(service.bundles.apply_updates)
    except StorageError as error:
        _log.error("items could not be stored: %s", error)
        detail = "The items could not be stored safely, so none of them is confirmed. Send them again."
        raise unavailable("items-not-stored", detail) from None
    served = service.bundles.served
    version = served.version if served is not None and served.recommender is not None else None
    body = {
        "success": True,
        "told": len(items),
        "repaired": sum(map(bool, repairs)),
        "bundle_version": version,
        "warnings": list(islice(_warnings(items, repairs), SHOWN_WARNINGS)),
    }
    return Response(orjson.dumps(body), media_type="application/json")


@router.get(
    "/v1/items",
    response_model=ListAnswer,
    responses=LIST_RESPONSES,
    summary="Items, filtered and sorted, as JSON, CSV or Parquet",
    dependencies=_READS,
)
async def list_items(request: Request, query: Annotated[ListQuery, Depends()]) -> Response:
    """For example `?where=inventory_alert:in:out_of_stock|runs_out_before_delivery&sort=-order_quantity`.

    Without `sort`, the items most likely to run out come first, if the bundle has that column.
    """
    return await answer_list(request, "items", query)


@router.get(
    "/v1/items/{item_id:path}/forecast",
    response_model=ForecastAnswer,
    summary="An item's demand, day by day",
    dependencies=_READS,
)
async def get_forecast(request: Request, item_id: ItemId) -> Response:
    """Units per day with an 80 % band, recent sales, and the columns of the demand family."""
    served = service_of(request).bundle()
    forecasts = served.item_forecasts()
    item = _item(served, item_id)
    days = forecasts.days(item_id)
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
        "history": forecasts.history(item_id),
        "totals": {name: value for name, value in (item or {}).items() if name in columns},
        "item": item,
    }
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


@router.get("/v1/items/{item_id:path}", response_model=ItemAnswer, summary="One item", dependencies=_READS)
async def get_item(request: Request, item_id: ItemId) -> Response:
    """All columns of one item."""
    served = service_of(request).bundle()
    item = served.table("items").row(item_id)
    if item is None:
        raise unknown_id("item", "items", served.version)
    body = {"bundle_version": served.version, "as_of": served.as_of(), "item": item}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def _repair(item: dict[str, Any]) -> list[str]:
    """Repair an item in place; returns the fields that were repaired or left out."""
    repairs = repair_item(item, _READERS)
    attributes = item.pop("attributes", None)
    if isinstance(attributes, dict):
        item["attributes"] = {name: value for name, value in attributes.items() if _is_attribute(value)}
        return repairs + [f"attributes.{name}{UNREADABLE}" for name in attributes if name not in item["attributes"]]
    return repairs if attributes is None else [*repairs, f"attributes{UNREADABLE}"]


def _is_attribute(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= MAX_ATTRIBUTE_CHARS
    return isinstance(value, bool | int | float) and abs(value) <= MAX_ATTRIBUTE


def _warnings(items: list[ItemUpdate], repairs: list[list[str]]) -> Iterator[str]:
    """What was repaired, and the terms that training will not use, as `shopkeeper train inventory` tells them."""
    for item, of_item in zip(items, repairs, strict=True):
        if of_item:
            yield f"item {item.item_id!r}: repaired or left out: {', '.join(of_item)}"
    for item in items:
        for name, value in item.attributes.items():
            if name in INVENTORY_TERMS and inventory_term(name, value) is None:
                yield f"item {item.item_id!r}: {refused_term(name, value)}"


def _stated(item: ItemUpdate) -> dict[str, Any]:
    fields = {name: value for name, value in msgspec.to_builtins(item).items() if value is not None}
    flags = {name: float(value) for name, value in item.attributes.items() if isinstance(value, bool)}
    return fields | {"attributes": item.attributes | flags}


def _upsert(item: ItemUpdate) -> ItemUpsert:
    return ItemUpsert(**_stated(item) | {"available_from": item.available_from})


def _item(served: ServedBundle, item_id: str) -> dict[str, Any] | None:
    table = served.tables.get("items")
    return table.row(item_id) if table is not None else None
