"""Customers: one by id, and lists such as the churn list."""

from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Path, Request, Response

from serving.http.schemas.tables import CustomerAnswer, ListAnswer
from serving.routes.listing import LIST_RESPONSES, ListQuery, answer_list
from serving.security.access import Access
from serving.security.api_keys import CUSTOMERS_READ
from serving.service import service_of, unknown_id

router = APIRouter(tags=["customers"], dependencies=[Depends(Access(CUSTOMERS_READ))])


@router.get(
    "/v1/customers",
    response_model=ListAnswer,
    responses=LIST_RESPONSES,
    summary="Customers, filtered and sorted, as JSON, CSV, Parquet or a marketing tool's import",
)
async def list_customers(request: Request, query: Annotated[ListQuery, Depends()]) -> Response:
    """For example the churn list: `?where=churn_band:eq:high&sort=-churn_risk`."""
    return await answer_list(request, "customers", query)


@router.get("/v1/customers/{customer_id:path}", response_model=CustomerAnswer, summary="One customer")
async def get_customer(request: Request, customer_id: Annotated[str, Path(min_length=1, max_length=200)]) -> Response:
    """All columns of one customer."""
    service = service_of(request)
    served = service.bundle()
    row = served.table("customers").row(customer_id)
    if row is None or service.hidden.hides((customer_id,), served.manifest.created_at):
        raise unknown_id("customer", "customers", served.version)
    body = {"bundle_version": served.version, "as_of": served.as_of(), "customer": row}
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")
