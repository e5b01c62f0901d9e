"""The store's KPIs by month and channel, and the retention of each month's new customers."""

from typing import Annotated

import pyarrow as pa
from fastapi import APIRouter, Depends, Query, Request, Response

from serving.answers.kpis import DEFAULT_MONTHS, MAX_MONTHS, By, Kpis, kpi_csv, kpi_json
from serving.answers.served_bundle import ServedBundle
from serving.http.schemas.kpis import CohortsAnswer, KpisAnswer
from serving.routes.csv_or_json import CSV_RESPONSES, Format, csv_answer, json_answer
from serving.security.access import Access
from serving.security.api_keys import CUSTOMERS_READ
from serving.service import service_of

router = APIRouter(tags=["customers"], dependencies=[Depends(Access(CUSTOMERS_READ))])

Months = Annotated[
    int, Query(ge=1, le=MAX_MONTHS, description="How many of the last months, the current one included.")
]
Channel = Annotated[str | None, Query(max_length=200, description="Only this channel.")]
Grain = Annotated[By, Query(description="`month`: one row per month; `channel`: one per month and channel.")]


@router.get("/v1/kpis", response_model=KpisAnswer, responses=CSV_RESPONSES, summary="Figures by month and channel")
async def get_kpis(
    request: Request,
    by: Grain = "month",
    months: Months = DEFAULT_MONTHS,
    channel: Channel = None,
    format: Format = "json",
) -> Response:
    """Orders, revenue, average order value, new and repeat customers, and the past value of lapsed customers."""
    served = service_of(request).bundle()
    kpis = served.store_kpis()
    return _answer(served, kpis, kpis.rows(by, months, channel), format, "kpis")


@router.get(
    "/v1/kpis/cohorts",
    response_model=CohortsAnswer,
    responses=CSV_RESPONSES,
    summary="Retention by month of first order",
)
async def get_cohorts(request: Request, months: Months = DEFAULT_MONTHS, format: Format = "json") -> Response:
    """How many of each month's new customers ordered again, month by month."""
    served = service_of(request).bundle()
    kpis = served.store_kpis()
    return _answer(served, kpis, kpis.cohorts(months), format, "cohorts")


def _answer(served: ServedBundle, kpis: Kpis, table: pa.Table, form: str, name: str) -> Response:
    if form == "csv":
        return csv_answer(kpi_csv(table), name, served.version)
    return json_answer(kpi_json(kpis, table, served.version))
