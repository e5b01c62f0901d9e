"""What should this shopper see now?"""

import time
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from msgspec import UNSET
from msgspec.structs import replace

from contracts.customer_id import ANONYMOUS_PREFIX, customer_id_of
from recsys.recommender import Recommender
from recsys.request import MAX_K, Answer
from recsys.request import Query as ShopperQuery
from serving.answers.exploration import recommend_exploring
from serving.answers.served_bundle import RECOMMENDER_FOLDER, ServedBundle
from serving.http.body import MAX_QUESTION_BYTES, read_json
from serving.http.openapi import json_body
from serving.http.problems import unavailable
from serving.http.schemas.recommendations import RecommendationAnswer, SimilarAnswer
from serving.routes.query_string import openapi_parameters, parse_query
from serving.security.access import Access, DirectRoute
from serving.security.api_keys import RECOMMENDATIONS_READ
from serving.service import Service, service_of, unknown_id

# Answers a customer who refused personalization, or who was erased. It is nobody's id: an anonymous id is never blank.
NOBODY: Final = ANONYMOUS_PREFIX

router = APIRouter(tags=["recommendations"], dependencies=[Depends(Access(RECOMMENDATIONS_READ))])
K = Annotated[int, Query(ge=1, le=MAX_K, description="How many items.")]
ItemId = Annotated[str, Path(min_length=1, max_length=200)]


async def recommend_for_placement(request: Request) -> Response:
    """Items for one placement of a page, asked for with a URL alone."""
    return _recommend(service_of(request), parse_query(request.query_params.multi_items()))


async def recommend_to_customer(request: Request) -> Response:
    """Items for one customer. An unknown customer gets popular items, and `fallbacks` says so."""
    customer_id = request.path_params["customer_id"]
    return _recommend(service_of(request), parse_query(request.query_params.multi_items(), customer_id=customer_id))


async def recommend_in_context(request: Request) -> Response:
    """Items for a shopper in context: the open item, the cart, the session so far, filters."""
    return _recommend(service_of(request), await read_json(request, MAX_QUESTION_BYTES, ShopperQuery))


_ROUTES: Final = (
    ("GET", "", recommend_for_placement, "Recommendations for a placement", {"parameters": openapi_parameters()}),
    (
        "GET",
        "/{customer_id:path}",
        recommend_to_customer,
        "Recommendations for a customer",
        {"parameters": openapi_parameters("customer_id")},
    ),
    (
        "POST",
        "",
        recommend_in_context,
        "Recommendations in a context",
        json_body(ShopperQuery),
    ),
)
for _method, _path, _handler, _summary, _described in _ROUTES:
    router.add_api_route(
        f"/v1/recommendations{_path}",
        _handler,
        methods=[_method],
        response_model=RecommendationAnswer,
        summary=_summary,
        openapi_extra=_described,
        route_class_override=DirectRoute,
    )


@router.get("/v1/items/{item_id:path}/similar", response_model=SimilarAnswer, summary="Items that go with an item")
async def similar_items(request: Request, item_id: ItemId, k: K = 20) -> Response:
    """Items that shoppers of this item viewed or bought as well: the placement `similar` for an unknown shopper."""
    service = service_of(request)
    served = service.bundle()
    if _recommender(served).retriever.items.ids.index(item_id) < 0:
        raise unknown_id("item", "items", served.version)
    answer_id, answer = _ask(service, served, ShopperQuery(item_id=item_id, k=k, placement="similar"))
    return _response(served, answer_id, answer, {"item_id": item_id})


def _recommend(service: Service, query: ShopperQuery) -> Response:
    served = service.bundle()
    customer_id = query.customer_id or customer_id_of(None, query.anonymous_id)
    answer_id, answer = _ask(service, served, _with_session(service, served, query, customer_id))
    about = {"customer_id": customer_id, "is_known_customer": answer.is_known_customer}
    return _response(served, answer_id, answer, about)


def _with_session(service: Service, served: ServedBundle, query: ShopperQuery, customer_id: str | None) -> ShopperQuery:
    """The query with its customer, and with the session that the service saw if the query has none."""
    persons = [person for person in (customer_id, customer_id_of(None, query.anonymous_id)) if person]
    session = query.session
    if persons and service.hidden.hides(persons, served.manifest.created_at):
        customer_id = NOBODY  # who was erased and comes back is new
    if query.personalize and persons:
        if service.sessions.has_refused(persons):
            customer_id, session = NOBODY, ()
        elif session is UNSET:
            session = service.sessions.session(persons, datetime.now(UTC))
    return replace(query, customer_id=customer_id, session=session)


def _recommender(served: ServedBundle) -> Recommender:
    if served.recommender is None:
        detail = (
            f"Bundle {served.version} has no recommender. `shopkeeper train {RECOMMENDER_FOLDER}` says what it needs."
        )
        raise unavailable("no-recommender", detail)
    return served.recommender


def _ask(service: Service, served: ServedBundle, query: ShopperQuery) -> tuple[str, Answer]:
    recommender = _recommender(served)
    started = time.perf_counter()
    answer_id, answer = recommend_exploring(recommender, query, served.version)
    service.telemetry.answered(query.placement, answer.fallbacks, time.perf_counter() - started)
    return answer_id, answer


def _response(served: ServedBundle, answer_id: str, answer: Answer, about: dict[str, Any]) -> Response:
    body = {
        "bundle_version": served.version,
        "as_of": served.as_of(RECOMMENDER_FOLDER),
        "answer_id": answer_id,
        **about,
        "placement": answer.placement,
        "fallbacks": answer.fallbacks,
        "items": answer.items,
    }
    return Response(msgspec.json.encode(body), media_type="application/json")
