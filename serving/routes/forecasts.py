"""Demand forecasts of the store as a whole, of its categories and of its channels."""

import asyncio
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request, Response

from serving.answers.forecasts.hierarchy import By, level_csv, level_json
from serving.answers.forecasts.items import DEMAND
from serving.http.schemas.forecasts import LevelForecastAnswer
from serving.routes.csv_or_json import CSV_RESPONSES, Format, csv_answer, json_answer
from serving.security.access import Access
from serving.security.api_keys import CUSTOMERS_READ
from serving.service import service_of

MAX_NODES: Final = 1_000

router = APIRouter(tags=["items"], dependencies=[Depends(Access(CUSTOMERS_READ))])

Level = Annotated[By, Query(description="`total`: the store as a whole; otherwise a row per category or channel.")]
Name = Annotated[str | None, Query(min_length=1, max_length=200, description="Only this category or channel.")]
Limit = Annotated[
    int | None,
    Query(ge=1, le=MAX_NODES, description=f"Only so many, those that sell most; JSON has at most {MAX_NODES:,}."),
]


@router.get(
    "/v1/forecast",
    response_model=LevelForecastAnswer,
    responses=CSV_RESPONSES,
    summary="Demand of the store, its categories or its channels, day by day",
)
async def get_level_forecast(
    request: Request, by: Level = "total", name: Name = None, limit: Limit = None, format: Format = "json"
) -> Response:
    """Units per day and of all days together, each with an 80 % band; best sellers come first.

    Means add up: those of the items to their category's and to the store's. Bands do not.
    """
    service = service_of(request)
    served = service.bundle()
    nodes = served.hierarchy_forecasts().nodes(by, name, limit or (MAX_NODES if format == "json" else None))
    async with service.list_semaphore:
        if format == "csv":
            return csv_answer(await asyncio.to_thread(level_csv, nodes), f"forecast-{by}", served.version)
        return json_answer(await asyncio.to_thread(level_json, nodes, served.version, served.as_of(DEMAND)))
