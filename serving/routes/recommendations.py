"""What should this shopper see now?"""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from contracts.customer_id import ANONYMOUS_PREFIX, customer_id_of
from recsys.recommender import Recommender
from recsys.request import Answer, Recommendation
from recsys.request import Query as ShopperQuery
from serving.answers.exploration import log_drawn, new_answer_id, with_seed
from serving.answers.item_labels import ItemLabels
from serving.answers.served_bundle import RECOMMENDER_FOLDER, ServedBundle
from serving.http.body import MAX_QUESTION_BYTES, read_body
from serving.http.openapi import json_body
from serving.http.problems import unavailable
from serving.http.schemas.recommendations import MAX_K, RecommendationAnswer, RecommendationQuestion, SimilarAnswer
from serving.routes.query_string import openapi_parameters, question_of
from serving.security.access import Access, DirectRoute
from serving.security.api_keys import RECOMMENDATIONS_READ
from serving.service import Service, service_of, unknown_id

# Who has refused personalization is answered as this customer, whom nobody can be: an anonymous id is never blank.
NOBODY: Final = ANONYMOUS_PREFIX

router = APIRouter(tags=["recommendations"], dependencies=[Depends(Access(RECOMMENDATIONS_READ))])
K = Annotated[int, Query(ge=1, le=MAX_K, description="How many items.")]
ItemId = Annotated[str, Path(min_length=1, max_length=200)]


async def recommend_for_placement(request: Request) -> Response:
    """Items for one place on a page, in a form that a page can ask while it loads."""
    return _recommend(service_of(request), question_of(request.query_params.multi_items()))


async def recommend_to_customer(request: Request) -> Response:
    """Items for one customer. An unknown one gets what is popular, and `fallbacks` says so."""
    customer_id = request.path_params["customer_id"]
    return _recommend(service_of(request), question_of(request.query_params.multi_items(), customer_id=customer_id))


async def recommend_in_context(request: Request) -> Response:
    """Items for a shopper with what is known of this moment: the open item, the cart, the visit so far, filters."""
    body = await read_body(request, MAX_QUESTION_BYTES)
    return _recommend(service_of(request), RecommendationQuestion.model_validate_json(body or b"{}"))


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
        json_body("RecommendationQuestion"),
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
    """Items that shoppers of this item looked at or bought as well: the placement `similar`, whoever asks."""
    service = service_of(request)
    served = service.bundle()
    if _recommender(served).retriever.items.ids.index(item_id) < 0:
        raise unknown_id("item", "items", served.version)
    answer = _ask(service, served, ShopperQuery(item_id=item_id, k=k, placement="similar"))
    return _response(served, answer, {"item_id": item_id})


def _recommend(service: Service, question: RecommendationQuestion) -> Response:
    query = question.query()
    served = service.bundle()
    answer = _ask(service, served, _with_visit(service, question, query))
    about = {"customer_id": query.customer_id, "is_known_customer": answer.is_known_customer}
    return _response(served, answer, about)


def _with_visit(service: Service, question: RecommendationQuestion, query: ShopperQuery) -> ShopperQuery:
    """The query, with what the person does in the visit that goes on, unless the question says so itself."""
    persons = [person for person in (query.customer_id, customer_id_of(None, question.anonymous_id)) if person]
    if not query.personalize or not persons:
        return query
    if service.sessions.has_refused(persons):
        return replace(query, customer_id=NOBODY, session=())
    if "session" in question.model_fields_set:
        return query
    session = service.sessions.session(persons, datetime.now(UTC))
    return replace(query, session=session) if session else query


def _recommender(served: ServedBundle) -> Recommender:
    if served.recommender is None:
        detail = (
            f"Bundle {served.version} has no recommender. `shopkeeper train {RECOMMENDER_FOLDER}` says what it needs."
        )
        raise unavailable("no-recommender", detail)
    return served.recommender


def _ask(service: Service, served: ServedBundle, query: ShopperQuery) -> Answer:
    recommender = _recommender(served)
    asked = with_seed(recommender, query)
    started = time.perf_counter()
    answer = recommender.recommend(asked)
    service.telemetry.answered(query.placement, answer.fallbacks, time.perf_counter() - started)
    return answer


def _response(served: ServedBundle, answer: Answer, about: dict[str, Any]) -> Response:
    assert served.item_labels is not None  # it comes with the recommender
    answer_id = new_answer_id()
    log_drawn(answer, answer_id, served.version)
    body = {
        "bundle_version": served.version,
        "as_of": served.as_of(RECOMMENDER_FOLDER),
        "answer_id": answer_id,
        **about,
        "placement": answer.placement,
        "fallbacks": answer.fallbacks,
        "items": _items(served.item_labels, answer.items),
    }
    return Response(orjson.dumps(body, option=orjson.OPT_UTC_Z), media_type="application/json")


def _items(labels: ItemLabels, recommended: Sequence[Recommendation]) -> list[dict[str, Any]]:
    return [
        {
            "item_id": item.item_id,
            "name": label.name,
            "category": label.category,
            "price": label.price,
            "score": item.score,
            "source": item.source,
            "reason": item.reason,
            "propensity": item.propensity,
        }
        for item, label in ((item, labels.label(item.item_id)) for item in recommended)
    ]
