"""What should this shopper see now?"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from contracts import columns as c
from contracts.errors import InputError
from recsys.query import Answer, Recommendation
from recsys.query import Query as ShopperQuery
from recsys.recommender import Recommender
from serving.access import Access
from serving.body import MAX_QUESTION_BYTES, read_body
from serving.bundles import RECOMMENDER_FOLDER, ServedBundle
from serving.problems import unavailable
from serving.schemas import MAX_K, RecommendationAnswer, RecommendationQuestion, SimilarAnswer, json_body
from serving.security import RECOMMENDATIONS_READ
from serving.service import Service, service_of, unknown_id

SHOWN_COLUMNS: Final = (c.ITEM_ID, c.ITEM_NAME, c.ITEM_CATEGORY, c.PRICE)

router = APIRouter(tags=["recommendations"], dependencies=[Depends(Access(RECOMMENDATIONS_READ))])
K = Annotated[int, Query(ge=1, le=MAX_K, description="How many items.")]
CustomerId = Annotated[str, Path(min_length=1, max_length=200)]
ItemId = Annotated[str, Path(min_length=1, max_length=200)]


@router.get(
    "/v1/recommendations/{customer_id:path}",
    response_model=RecommendationAnswer,
    summary="Recommendations for a customer",
)
async def recommend_to_customer(request: Request, customer_id: CustomerId, k: K = 20) -> Response:
    """Items for one customer. An unknown one gets what is popular, and `fallbacks` says so."""
    return _recommend(service_of(request), ShopperQuery(customer_id=customer_id, k=k))


@router.post(
    "/v1/recommendations",
    response_model=RecommendationAnswer,
    summary="Recommendations in a context",
    openapi_extra=json_body("RecommendationQuestion"),
)
async def recommend_in_context(request: Request) -> Response:
    """Items for a shopper with what is known of this moment: the open item, the cart, the visit so far, filters."""
    body = await read_body(request, MAX_QUESTION_BYTES)
    return _recommend(service_of(request), RecommendationQuestion.model_validate_json(body or b"{}").query())


@router.get("/v1/items/{item_id:path}/similar", response_model=SimilarAnswer, summary="Items that go with an item")
async def similar_items(request: Request, item_id: ItemId, k: K = 20) -> Response:
    """Items that shoppers of this item looked at or bought as well."""
    served = service_of(request).bundle()
    try:
        answer = _recommender(served).similar(item_id, k)
    except InputError:
        raise unknown_id("item", "items", served.version) from None
    return _answer(served, answer, {"item_id": item_id})


def _recommend(service: Service, query: ShopperQuery) -> Response:
    served = service.bundle()
    answer = _recommender(served).recommend(query)
    for fallback in answer.fallbacks:
        service.telemetry.fallbacks.labels(kind=fallback.partition(":")[0]).inc()
    about = {"customer_id": query.customer_id, "is_known_customer": answer.is_known_customer}
    return _answer(served, answer, about)


def _recommender(served: ServedBundle) -> Recommender:
    if served.recommender is None:
        detail = (
            f"Bundle {served.version} has no recommender. `shopkeeper train {RECOMMENDER_FOLDER}` says what it needs."
        )
        raise unavailable("no-recommender", detail)
    return served.recommender


def _answer(served: ServedBundle, answer: Answer, about: dict[str, Any]) -> Response:
    body = {
        "bundle_version": served.version,
        "as_of": served.as_of(RECOMMENDER_FOLDER),
        **about,
        "fallbacks": answer.fallbacks,
        "items": _items(served, answer.items),
    }
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def _items(served: ServedBundle, recommended: Sequence[Recommendation]) -> list[dict[str, Any]]:
    table = served.tables.get("items")
    ids = [item.item_id for item in recommended]
    rows = table.rows_of(ids, SHOWN_COLUMNS) if table is not None else [dict.fromkeys(SHOWN_COLUMNS)] * len(ids)
    return [
        {
            "item_id": item.item_id,
            "name": row[c.ITEM_NAME],
            "category": row[c.ITEM_CATEGORY],
            "price": row[c.PRICE],
            "score": item.score,
            "source": item.source,
            "reason": item.reason,
        }
        for item, row in zip(recommended, rows, strict=True)
    ]
